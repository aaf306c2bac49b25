"""What holds for every test."""

import cv2
from hypothesis import settings

from backend.labelstudio import credentials
from backend.state import database

settings.register_profile("maskloop", deadline=None)  # two busy cores make single examples slow
settings.load_profile("maskloop")

cv2.setNumThreads(1)  # answers do not depend on it, timings on small machines do

# A disk or a core that is busy for some seconds makes nobody give up who waits for another's turn or answer.
database._WAIT_S = 60.0
credentials._EXCHANGE_TIMEOUT_S = 60.0
