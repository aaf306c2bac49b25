"""What holds for every test."""

import cv2
from hypothesis import settings

settings.register_profile("maskloop", deadline=None)  # two busy cores make single examples slow
settings.load_profile("maskloop")

cv2.setNumThreads(1)  # answers do not depend on it, timings on small machines do
