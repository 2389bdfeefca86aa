"""The YAML of a sample: election, parties, vantages and policy, with comments for whoever changes them."""

from dataclasses import dataclass
from datetime import date

__all__ = ["POLICY", "Province", "election_text", "notice_text", "parties_text", "vantages_text"]


@dataclass(frozen=True, slots=True)
class Province:
    """What distinguishes one sample province from another."""

    key: str
    code: str
    name: str
    name_en: str
    units: str
    day: date
    area_code: str
    vantage: str


def election_text(province: Province) -> str:
    """Answer ``election.yml``; phase offsets after DOMAIN.md, section 1.4."""
    return f"""\
# Cuộc bầu cử: ngày D, cơ quan như in trên văn bản, các giai đoạn tính từ ngày D (giờ địa phương).
# The election: day D, the agency as printed, phases as offsets from D (local time).
code: {province.key}
name: Bầu cử đại biểu Quốc hội khóa XV và đại biểu HĐND các cấp nhiệm kỳ 2021 - 2026 tại tỉnh {province.name}
name_en: Election of deputies to the 15th National Assembly and People's Councils 2021 - 2026, {province.name_en}
day: {province.day.isoformat()}
zone: Asia/Ho_Chi_Minh
agency:
  name: Sở Thông tin và Truyền thông tỉnh {province.name}
  name_en: Department of Information and Communications of {province.name_en} province
  symbol: STTTT
  parent: UBND tỉnh {province.name}
phases:
  prepare: {{start: "D-66 00:00", end: "D-12 00:00"}}
  early: {{start: "D-17 00:00", end: "D 00:00"}}
  inspect: {{start: "D-12 00:00", end: "D-4 00:00"}}
  freeze: {{start: "D-3 00:00", end: "D+2 00:00"}}
  ready: {{start: "D-2 00:00", end: "D 05:00"}}
  poll: {{start: "D 05:00", end: "D 21:00"}}
  tally: {{start: "D 19:00", end: "D+1 19:00"}}
  post: {{start: "D+1 00:00", end: "D+11 00:00"}}
  rerun: {{start: "D+2 00:00", end: "D+16 00:00"}}
  close: {{start: "D+3 00:00", end: "D+16 00:00"}}
report_slots:
  - D-1 17:00
  - D 05:30
  - D 07:30
  - D 09:00
  - D 11:00
  - D 14:00
  - D 17:00
  - D 19:30
  - D 22:00
  - D+1 02:00
  - D+1 07:00
  - D+1 17:00
"""


def parties_text(province: Province) -> str:
    """Answer ``parties.yml``. Hot lines are numbers that cannot exist, like every number of a sample."""
    name, name_en, line = province.name, province.name_en, f"+84{province.area_code}00009"
    return f"""\
# Các đơn vị và nhiệm vụ trực mà mỗi đơn vị phải giữ kín 24/24.
# Parties, and the duties that each must keep filled round the clock.
VNPT:
  kind: carrier
  name: VNPT {name}
  name_en: VNPT {name_en}
  duties: [leadership, operations, response]
  hotline: "{line}01"
VIETTEL:
  kind: carrier
  name: Viettel {name}
  name_en: Viettel {name_en}
  duties: [leadership, operations, response]
  hotline: "{line}02"
MOBIFONE:
  kind: carrier
  name: MobiFone tỉnh {name}
  name_en: MobiFone {name_en}
  duties: [leadership, operations, response]
  hotline: "{line}03"
FPT:
  kind: carrier
  name: FPT Telecom {name}
  name_en: FPT Telecom {name_en}
  duties: [leadership, operations, response]
  hotline: "{line}04"
EVN:
  kind: power
  name: Công ty Điện lực {name}
  name_en: {name_en} Power Company
  duties: [leadership, operations, response]
  hotline: "{line}05"
VNPOST:
  kind: post
  name: Bưu điện tỉnh {name}
  name_en: {name_en} Post
  duties: [leadership, post]
  hotline: "{line}06"
STTTT:
  kind: department
  name: Sở Thông tin và Truyền thông tỉnh {name}
  name_en: Department of Information and Communications of {name_en}
  duties: [leadership, operations, response, hotline, software_support]
  hotline: "{line}07"
"""


def vantages_text(province: Province) -> str:
    """Answer ``vantages.yml``: one duty room with canaries in 127.0.0.0/16, apart from every target."""
    return f"""\
# Nơi quan sát, mạng ra ngoài của nó, và các địa chỉ kiểm chứng luôn phải trả lời khi chính nó còn nhìn được.
# Where we look from, its upstream carriers, and canaries that answer whenever it can see at all.
{province.vantage}:
  name: Phòng trực Sở
  name_en: Department duty room
  upstreams: [VNPT, VIETTEL]
  canaries:
    - {{address: 127.0.1.1, group: gateway}}
    - {{address: 127.0.2.1, group: second_hop}}
    - {{address: 127.0.3.1, group: resolver_a}}
    - {{address: 127.0.4.1, group: resolver_b}}
"""


_STEPS = """\
      - {after: 0s, audience: owner, duty: response}
      - {after: 3m, audience: owner, duty: response, substitute: yes}
      - {after: 6m, audience: department, duty: operations}
      - {after: 8m, audience: department, duty: leadership}"""

POLICY = f"""\
# Mọi con số mà Sở được đặt. Quy tắc đọc từ trên xuống, quy tắc sau thắng.
# Every number that the department may set. Rules are read downwards; a later one wins.
# Sáu lần hỏng liền, cách nhau 200 ms: mất gói ngẫu nhiên 2 % cho một báo động giả trong khoảng 400 ngày của 2.200 đích.
# Six failures in a row, 200 ms apart: 2 % random loss makes one false outage in about 400 days of 2,200 targets.
# Đường vốn đã mất gói phải hỏng liền nhiều lần hơn (tối đa 20 lần, khoảng 4 giây) mới bị coi là đứt; mất trên 25 %
# trong 20 lần thăm gần nhất thì là kém chất lượng: ở mức mất gói 2 %, cả tỉnh 2.200 đích chỉ nhầm vài lần một ngày.
# A line that loses packets anyway needs more failures in a row (at most 20, about 4 seconds) to be down; one that
# lost over 25 % of its last 20 looks is degraded: at 2 % loss that errs a few times a day over 2,200 targets.
look:
  default:
    cadence: 10s
    timeout: 1s
    retry: 1s
    down_after: 6
    down_after_lossy: 20
    up_after: 2
    stale_after: 30s
    degraded_loss: 0.25
  rules:
    - {{phases: [poll, tally], priorities: [A, B], cadence: 5s}}

# Đề xuất, cần thống nhất với các doanh nghiệp.
# A proposal, to be agreed with the carriers.
deadlines:
  default: {{acknowledge: 15m, temporary: 60m, restore: 24h}}
  rules:
    - {{priorities: [A], acknowledge: 5m, temporary: 15m, restore: 4h}}
    - {{priorities: [B], acknowledge: 10m, temporary: 30m, restore: 8h}}
    - {{priorities: [C], acknowledge: 15m, temporary: 60m, restore: 24h}}
    - {{phases: [ready, poll, tally], priorities: [A], acknowledge: 5m, temporary: 15m, restore: 1h}}
    - {{phases: [ready, poll, tally], priorities: [B], acknowledge: 10m, temporary: 30m, restore: 2h}}
    - {{phases: [ready, poll, tally], priorities: [C], acknowledge: 15m, temporary: 60m, restore: 4h}}

# Bước cuối lặp lại đến khi có người trả lời.
# The last step repeats until somebody answers.
escalation:
  repeat: 5m
  # Mức nặng nhất cần thêm lời xác nhận của trực lãnh đạo Sở.
  # The gravest need the word of the department's leader on duty as well.
  countersign: {{severities: [P1], within: 8m}}
  steps:
    P1:
{_STEPS}
    P2:
{_STEPS}
    P3:
{_STEPS}
    P4:
{_STEPS}

hold: 1s
# Một đường chỉ có một đích làm chứng phải câm ngần này mới báo chủ: lâu hơn một cơn mất gói, ngắn hơn một lần đứt 10 giây.
# A path that one target alone speaks for must be silent this long before its owner is told: longer than a burst of
# loss lasts, short enough to tell of every cut of ten seconds.
hold_lone: 4s
verify: 30s
quorum: 1
# Đích mới chỉ được báo động sau khi đã thông liên tục ngần này. Phòng thí nghiệm đã lắp đủ: 0s; ngoài thực địa: 60s.
# A new target counts only after it has answered for this long on end. The lab is installed whole: 0s; the field: 60s.
arm_after: 0s
"""


def notice_text(province: Province) -> str:
    """Answer the README of a sample: what in it is real and what is made up."""
    return f"""\
# {province.key}

Bộ dữ liệu mẫu, do `inventory.generate` tạo ra; đừng sửa tay. / A sample, written by `inventory.generate`; not edited
by hand.

- **Thật / real**: mã, tên và cấp của các đơn vị hành chính năm 2021 (xem `inventory/units`); tên các doanh nghiệp.
- **Bịa / made up**: mọi đường dây, trạm, vòng ring, tuyến điện, địa chỉ, con người, số máy, ca trực.
- **Số máy không có thật / numbers that cannot exist.** Di động / mobile: `0570 xxx xxx` — chưa mạng nào được cấp mã 57
  (the code 57 is allotted to no network; so says libphonenumber 9.0.43 too). Cố định / fixed: `0{province.area_code} 0xxx xxx` — số thuê bao không bao
  giờ bắt đầu bằng 0 (no subscriber number begins with 0). Cả hai vẫn đúng độ dài (both have the right length).
- **Thư / mail**: tên miền `.example` (RFC 2606) — không gửi đi đâu được / reaches nobody.
- **Địa chỉ / addresses**: 127.0.0.0/8, chỉ trong máy này / this machine only.
"""
