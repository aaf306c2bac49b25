import pytest

from backend.labelstudio.review_predictions import (
    CLEANED,
    INSPECTED,
    is_review,
    review_numbers,
    review_version,
)


def test_reviews_are_known_by_their_version() -> None:
    assert review_version(CLEANED, 3) == "cleaned-3"
    assert is_review(review_version(CLEANED, 3))
    assert is_review(review_version(INSPECTED, 12))


@pytest.mark.parametrize(
    "version", ["watershed-1", "unet-p1-1-00000000.q3", "cleaned", "uncleaned-1", "", None]
)
def test_other_versions_are_no_reviews(version: object) -> None:
    assert not is_review(version)


def test_rounds_of_a_kind_are_numbered() -> None:
    versions = ["cleaned-10", "inspect-11", "cleaned-2", "otsu-1"]
    assert review_numbers(versions, CLEANED) == [2, 10]
    assert review_numbers(versions, INSPECTED) == [11]
