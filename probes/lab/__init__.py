"""A province on loopback: a real responder for every target of an inventory, and faults with ground truth."""
