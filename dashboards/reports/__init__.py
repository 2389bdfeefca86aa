"""What happened, in documents that hold in front of a carrier and a committee.

    tables -> gathering -> record -> folding -> facts -> compose -> document -> docx | pdf | xlsx | csv | json
                                                  |                   ^
                                              sentences, drafts, edited texts

* **One fold.** ``folding.fold`` is pure: every number of every report comes from it, whole seconds, with the
  identifiers of the rows behind it. Documents print numbers; none computes one.
* **What counts.** An object is a path of a site. Its outages are joined; what nobody could see is taken out; the rest
  is cut into planned, disputed, mitigated and owed. Availability is up over up and everything down that was not
  announced; disputed and mitigated time counts as down until somebody settles it, and stands beside the figure, which
  is printed without the disputed part too. Against it: a carrier with a good excuse waits; but nobody can raise a
  figure by disputing.
* **Never seen is unseen.** Before a path first answered nobody knows how it was; that time is unobserved, not up. Nor
  is time up in which the service or a vantage was off, whether it came back since (monitor wrote it down) or not yet.
  A path is down where all of its targets are, unseen where every vantage that looks at it was blind. Restricted
  incidents enter no report.
* **What people said by telephone** (``called``, ``rolls``) is told beside what was measured and changes no time of any
  path; but who said that something was lost keeps the set sentence out. A carrier hears of its own lines alone.
* **Parts sum to wholes**, checked when the facts are folded (a report that does not reconcile is not built) and printed
  as a control line under each table. Every interval is widened to whole seconds first, so printed parts add up.
* **Set sentences** are written only where the record supports them, and an edited text that says them all the same
  keeps a report from being final.
* **Texts are kept apart from figures**: drafted from facts, edited in the page, stored by section.
* **Final is frozen**: files and facts are hashed into a seal that covers the seal before it; later corrections are
  addenda. ``thongsuot report verify FILE`` finds a file by its hash and recomputes the chain.
* **Sent through the outbox** (``sending``): a version to a contact at most once; the file is read when the mail leaves.
* **Same record, same bytes**: no clock, no random, fixed archive times, data handed to typst as JSON, never as source.
"""
