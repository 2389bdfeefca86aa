"""View models: what each page shows, as plain values made by pure functions.

Snapshot + inventory + incidents in, view model out; no request, no database, no clock. A template then only
places what it is given. Nothing here escapes HTML: templates do, always.
"""
