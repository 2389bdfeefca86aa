"""Our pages measured against other programs', task by task: the same steps counted in the same browser.

``make peers`` (as root; it installs Debian packages and runs in a network of its own, so that no port is taken twice)
drives what is here and writes ``results.json`` and README's table. It is no part of ``make test``, which drives only our
own column again and fails while that differs from what is kept.

- :mod:`~tests.peers.tasks`: the tasks, and what a count is. :mod:`~tests.peers.watched`: what a peer is given to watch.
- :mod:`~tests.peers.ours`: our own pages.
- :mod:`~tests.peers.icinga`, :mod:`~tests.peers.icinga_tasks`: Icinga Web 2 with Icinga DB Web over Icinga 2. Pitfalls, each
  settled so that the peer does its best: Icinga's search looks at object names only, never at display names, so its hosts
  are *named* without diacritics; PHP's own server leaves ``QUERY_STRING`` out, which Icinga Web dies of; ``icinga2`` gives up
  root for its package's user unless ``ICINGA2_USER`` says otherwise; the dashboard's lists come a second after the page; lists
  that are acknowledged sink, so what is acknowledged twice must be looked for first on the telephone, last all at once.

Not to be had here, so not driven, and not counted from documents either: Grafana, Gatus and GoAlert are in none of the
registries of Debian 12, npm and PyPI (what bears their names there are clients).
"""
