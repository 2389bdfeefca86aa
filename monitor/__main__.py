"""``python -m monitor`` is the command ``thongsuot``."""

import sys

from monitor.cli import main

sys.exit(main())
