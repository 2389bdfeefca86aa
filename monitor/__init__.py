"""What it means: samples become views, states, outages and verdicts; every change is a stored row.

Pure modules decide (state, quorum, verdict, correlation), the service holds transactions, the store holds
SQL, the worker holds the loop: load, decide, apply. ``app``, ``settings`` and ``cli`` are the composition
root: they may import everything and nothing imports them.
"""
