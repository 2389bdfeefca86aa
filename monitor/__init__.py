"""What it means: samples become views, states, outages and verdicts; every change is a stored row.

Pure modules decide, the service holds transactions, the stores hold SQL, the worker holds the loop: load, decide,
apply. One batch on its way through::

    worker -> service.take
                intake        each batch once; canaries first; failures wait for proof of sight   (isolation)
                ingest        columns for what repeats, rules for what may change a mind          (state, quality)
                fleet         views to states, outages, paths, verdicts                           (quorum, verdict)
                attribution   outages to causes: hold, explain, absorb, recover                   (correlation)
                decisions     rows of all of it, written together                                 (store)
              -> commit -> snapshot swapped -> subscribers told

What links carry goes a way of its own: figures beside looks (measured) fill slots (load), slots that ended are judged
(congestion) and kept (load_service), and what is congested is told as one CAUSE row like any other.

Decisions that rule here: looks are ordered by their start, never by arrival; what we cannot see is unobserved and
neither ends nor opens an outage; nothing is shown before it is committed; only CAUSE rows are queued for alerting,
all other changes are history. ``app``, ``settings`` and ``cli`` are the composition root: they may import everything
and nothing imports them, and ``migrations`` is part of it because one database holds the tables of every layer.
"""
