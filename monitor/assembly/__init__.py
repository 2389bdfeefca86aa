"""How the parts of the service are put together, one module a part; only :mod:`monitor.app` imports them.

Each part is built by its constructor from the settings and what lies to its left, answers its loops by
``loops()`` (name to coroutine function taking the stop event), and takes a new inventory by ``swap``. A further
part is a further module here and one line in :class:`monitor.app.Service`.
"""

__all__: list[str] = []
