"""Who must act: incidents, duty, escalation, and messages that survive a killed process.

``alerting`` reads the stored ``state_changes`` rows and nothing else of :mod:`monitor`'s inner life.
"""
