"""The command ``thongsuot`` as somebody at a terminal meets it."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from inventory.samples import NAMES, sample
from monitor.cli import COMMANDS, main


def test_every_command_explains_itself(capsys):
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert "usage: thongsuot" in capsys.readouterr().out


def test_an_unknown_command_is_a_mistake_of_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["frobnicate"])
    assert ended.value.code == 2
    assert "frobnicate" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_have_neither_faults_nor_findings(capsys, name):
    assert main(["check", str(sample(name)), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["faults"] == []
    assert facts["findings"] == []
    assert facts["counts"]["areas"] > 100


def test_a_fault_is_printed_with_its_place_and_ends_with_one(tmp_path, capsys):
    shutil.copytree(sample("soc-trang-2021"), tmp_path / "province")
    sites = tmp_path / "province" / "sites.csv"
    sites.write_text(sites.read_text(encoding="utf-8").replace(",B,", ",Z,", 1), encoding="utf-8")
    assert main(["check", str(tmp_path / "province")]) == 1
    assert re.search(r"sites\.csv:\d+:priority: .*Z", capsys.readouterr().out)


def test_migrating_twice_does_nothing_the_second_time(tmp_path, capsys):
    for _ in range(2):
        assert main(["migrate", "--state", str(tmp_path), "--json"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["before"] is None
    assert second["before"] == second["now"] == first["now"]


def test_an_account_is_opened_listed_reset_and_closed(tmp_path, capsys):
    at = ["--state", str(tmp_path), "--json"]
    assert main(["user", "add", "lan", "--role", "duty_officer", *at]) == 0
    password = json.loads(capsys.readouterr().out)["password"]
    assert main(["user", "reset", "lan", *at]) == 0
    assert json.loads(capsys.readouterr().out)["password"] != password
    assert main(["user", "disable", "lan", *at]) == 0
    capsys.readouterr()
    assert main(["user", "list", *at]) == 0
    [account] = json.loads(capsys.readouterr().out)
    assert (account["name"], account["role"], account["state"]) == ("lan", "duty_officer", "disabled")


def test_an_account_that_is_not_there_is_said_so(tmp_path, capsys):
    assert main(["user", "reset", "nobody", "--state", str(tmp_path)]) == 1
    assert "nobody" in capsys.readouterr().err


def test_the_lab_says_when_none_is_running(tmp_path, capsys):
    assert main(["lab", "status", "--state", str(tmp_path)]) == 1
    assert "no lab is running" in capsys.readouterr().err


def test_a_benchmark_that_does_not_exist_is_named_with_those_that_do(capsys):
    assert main(["bench", "bogus"]) == 2
    assert "metrics" in capsys.readouterr().err


def test_serving_a_faulty_inventory_prints_its_faults_and_does_not_start(tmp_path):
    shutil.copytree(sample("soc-trang-2021"), tmp_path / "province")
    (tmp_path / "province" / "election.yml").write_text("code: x\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "monitor", "serve", "--inventory", "province", "--state", "state"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "election.yml" in ended.stderr


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("http,127.0.0.1,80,stauts=200", "stauts; có phải ý là status?"),
        ("http,127.0.0.1,80,status=ok", "tuỳ chọn không dùng được: status"),
        ("tls,127.0.0.1,443,starttls=uucp", "starttls must be one of smtp, imap, pop3, not 'uucp'"),
        ("dns,127.0.0.1,53,type=XYZ name=a.vn", "tuỳ chọn không dùng được: type"),
        ("sip_call,127.0.0.1,5060,user=113", "không được đánh dấu test_line trong paths.csv"),
        ("sip_call,127.0.0.1,5060,user=113 test_line=yes", "test_line thuộc về đường, hãy ghi ở paths.csv"),
        ("tcp,127.0.0.1,80,status=200", "dùng được: cadence timeout"),
        ("snmp,127.0.0.1,161,version=v9", "tuỳ chọn không dùng được: "),
    ],
)
def test_options_that_no_look_could_use_are_faults_with_their_line(tmp_path, capsys, row, said):
    shutil.copytree(sample("soc-trang-2021"), tmp_path / "province")
    targets = tmp_path / "province" / "targets.csv"
    lines = targets.read_text(encoding="utf-8").splitlines()
    path = next(line.split(",")[1] for line in lines[1:])
    targets.write_text("\n".join([*lines, f"THEM-1,{path},{row},", ""]), encoding="utf-8")
    assert main(["check", str(tmp_path / "province"), "--json"]) == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert {(fault["file"], fault["line"], fault["column"]) for fault in faults} == {
        ("targets.csv", len(lines) + 1, "options")
    }
    assert any(said in fault["reason"] for fault in faults), faults
