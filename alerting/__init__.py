"""Who must act: incidents, duty, escalation, and messages that survive a killed process.

``alerting`` reads the stored ``state_changes`` rows and nothing else of :mod:`monitor`'s inner life. A row of
kind CAUSE becomes (or changes) an incident; every other row passes by. Inside, decisions are pure (``incident``
``severity`` ``escalation`` ``oncall`` ``ledger`` ``titles``), a ``case`` is one incident in one transaction,
``absorption`` ``overdue`` ``actions`` and ``paging`` say what happens to it, the ``service`` commits, the
``outbox`` and the ``worker`` send, and ``notify`` knows the channels.

Rules

- No live state without a running deadline; one accountable owner; state is a fold of the hash-chained ledger.
- An incident per condition exactly once: the row of belief, the incident, its ledger entry, its first step and
  that step's messages commit together, and the database refuses a second unresolved incident of a condition.
- The decision to page exactly once (a message's key names the decision); a page at least once; a notice at most
  once; an acknowledgement by whoever was first, and again harmless.
- The policy is frozen when a run starts; people are looked up when a step is due. Every reopening is a new
  generation, and what an older one decided is not sent any more.

The machine, drawn from its table (``*`` begins a new generation of pages; ``held``: somebody acknowledged; the
last lines are events that leave a state as it is):

::

    (new)         opened *                        open
    (new)         suspected                       suspected
    suspected     confirmed *                     open
    suspected     acknowledged                    acknowledged
    open          acknowledged                    acknowledged
    acknowledged  ack_expired *                   open
    in_progress   ack_expired *                   open
    pending       ack_expired *                   open
    mitigated     ack_expired *                   open
    acknowledged  started                         in_progress
    pending       started                         in_progress
    acknowledged  progress                        in_progress
    pending       progress                        in_progress
    mitigated     progress                        in_progress
    acknowledged  paused                          pending
    in_progress   paused                          pending
    pending       resumed                         in_progress
    open          mitigated                       mitigated
    acknowledged  mitigated                       mitigated
    in_progress   mitigated                       mitigated
    pending       mitigated                       mitigated
    mitigated     mitigation_lost *               open
    suspected     restored                        restored
    open          restored                        restored
    acknowledged  restored                        restored
    in_progress   restored                        restored
    pending       restored                        restored
    mitigated     restored                        restored
    restored      verified                        resolved
    restored      verify_failed (held)            in_progress
    restored      verify_failed (not held) *      open
    resolved      recurred *                      open
    resolved      reopened *                      open
    closed        reopened *                      open
    resolved      closed                          closed
    suspected     cancelled                       cancelled
    open          cancelled                       cancelled
    acknowledged  cancelled                       cancelled
    acknowledged  reassigned *                    open
    in_progress   reassigned *                    open
    pending       reassigned *                    open
    mitigated     reassigned *                    open
    suspected     merged                          merged
    open          merged                          merged
    acknowledged  merged                          merged
    in_progress   merged                          merged
    pending       merged                          merged
    mitigated     merged                          merged
    restored      merged                          merged
    resolved      merged                          merged
    merged        unmerged *                      open
    acknowledged  escalated *                     open
    in_progress   escalated *                     open
    pending       escalated *                     open
    mitigated     escalated *                     open
    =             progress                        in_progress
    =             paused                          pending
    =             mitigated                       mitigated
    =             restored                        restored
    =             reassigned                      open suspected restored resolved
    =             grew                            suspected open acknowledged in_progress pending mitigated merged
    =             regraded                        suspected open acknowledged in_progress pending mitigated restored resolved
    =             escalated                       suspected open restored resolved
    =             countersigned                   suspected open acknowledged in_progress pending mitigated restored resolved
    =             roster_gap                      suspected open acknowledged in_progress pending mitigated restored resolved
    =             disputed                        suspected open acknowledged in_progress pending mitigated restored resolved
    =             decided                         suspected open acknowledged in_progress pending mitigated restored resolved
    =             measured                        merged
    =             evidence                        every state
    =             note                            every state

Decisions, with what speaks against them

- *Silence reopens.* Who acknowledged and then says nothing until the deadline is taken for gone: the incident is
  open again and pages anew. Against it: somebody busy with a splice is paged; a word of progress prevents it.
- *Graver means anew.* When an incident's severity rises it must be acknowledged again. Against it: two pages
  for one cable; but what was acknowledged was the smaller matter.
- *A resolved incident does not hold its condition.* After an hour the same cause is a new incident that names
  the earlier one. Against it: two sheets for one weak cable; a report can join them, it could not part them.
- *A restoration ends the paging at once*, before it is verified; when it does not hold, the ladder goes on from
  where it stood, on its old clock. Against it: the person called last is not called again for the second fall.
"""
