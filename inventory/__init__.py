"""What exists: areas, parties, sites, paths, risk groups, targets, people, shifts, and the election's calendar.

The lowest layer: it imports nothing of ours. A folder of YAML and CSV becomes one immutable
:class:`~inventory.models.Inventory`; whoever needs another one loads it whole and swaps it whole.
"""
