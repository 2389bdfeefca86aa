"""Where log lines go: one line an event, key=value, to standard error; standard output belongs to facts."""

import logging
import sys

import structlog

__all__ = ["set_up_logging"]


def set_up_logging() -> None:
    """Configure logging for a command; no event of a healthy look is ever logged."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # Looked up anew for each line: whoever replaced standard error since then means to have it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
