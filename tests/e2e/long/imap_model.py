"""tests/e2e/imap_model.py for a minute each."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
os.environ.setdefault("MERPATI_MODEL_SECONDS", "60")

from imap_model import Model  # noqa: E402,F401

if __name__ == "__main__":
    unittest.main()
