"""How we look: engines that send looks from a vantage and yield samples in batches of columns.

A look has one deadline and one outcome; a dead target is an outcome, not an exception. Nothing here decides
whether a target is up: that is belief, and belief lives in :mod:`monitor`.
"""
