"""What exists: areas, parties, sites, paths, risk groups, targets, people, shifts, and the election's calendar.

The lowest layer: it imports nothing of ours. A folder of YAML and CSV becomes one immutable
:class:`~inventory.models.Inventory`; whoever needs another one loads it whole and swaps it whole::

    folder ── textfile ── csvfile ── spreadsheet ──► places network roster ──┐
                    └──── document ────────────────► election parties policy ┴► loader ──► Inventory
                                                                                            │
                                             topology  phases  lint  rebase ◄───────────────┘

Decisions that rule this package:

* **A fault stops a load, a finding does not.** A fault is a text that cannot mean anything (an unknown code, an
  hour that never was); all of them are collected, each with file, line, column, value, a reason and how to mend
  it, in both languages. A finding (:mod:`inventory.lint`) is a risk that somebody has to decide about.
* **One mistake, one fault.** What refers to a list that could not be read is taken at its word.
* **Text stays text.** No YAML typing, no anchors, no key twice; cells are stripped and NFC; invisible characters
  are faults. Lengths of time are written ``500ms 5s 3m 1h 2d``, phases as offsets (``D-12 07:30``), shifts in
  local time (or with their own offset); an hour that the clocks skip or show twice is refused.
* **Codes** are ASCII letters, digits and ``. _ -``: they stand in addresses of pages, metric labels and lists.
  Paths, links and risk groups share one space of codes, because a target's ``of`` may name any of them.
* **Nothing is resolved.** A host name is checked for its form only.
* **The digest names the content**: the cells in their order, the documents without theirs. Line ends, byte order
  mark, quoting and comments do not change it; the order of targets does, because the fleet is indexed by it.
* **Duty round the clock** is asked from the beginning of ``ready`` to the end of ``tally``.
* **Power is not an independent line.** Paths that share a feeder fail together, but two carriers on one feeder
  are a finding only when no path of the site stands off it.
"""
