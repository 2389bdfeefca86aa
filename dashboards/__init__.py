"""What people see: the board, incident and site pages, sign-in, and the live stream that keeps them true.

    request -> visit.entrance -> one module a page -> views (pure) -> templates
                                       |
                                  deps: monitor (snapshot), alerting (acts), records (SQL, scoped), auth, hub
    commit in monitor or alerting -> feed -> hub -> /events -> static/js/live.js patches what changed

* **One way in.** ``routes.PAGES`` is the whole surface; ``visit.entrance`` checks origin, size, form token, session
  and right for every entry alike. A page that names no right is closed to strangers all the same.
* **Scope is an argument of a query**, never a filter of a page: ``records`` takes ``owner`` and reads nobody else's.
* **Views are values.** Snapshot, inventory and incidents go in, frozen dataclasses come out; two that are equal
  look the same, which is how the feed knows what changed without comparing HTML.
* **Pages work without script**, with a refresh; with it they patch only what differs, count down by the server's
  clock, and say so when the stream or the data falls silent.
* **Every asset is ours**: ``static/vendor/manifest.json`` names version, licence and digest of what is not.
* **Vietnamese first.** Message ids are English; ``python -m tests.support.catalogue`` brings the catalogue up to date.

A new page: a module with ``async def name(visit)``, a pure view, a template, a line in ``PAGES``, its texts.
"""
