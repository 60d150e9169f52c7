"""Makes `python -m services.console` the program `wufei`, installed or not."""

import sys

from services.console.main import main

sys.exit(main())
