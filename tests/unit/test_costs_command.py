import json

from typer.testing import Result

from scripts.costs import main
from tests.fakes.commands import invoke


def run(*arguments: str) -> Result:
    return invoke(main, *arguments, env={"COLUMNS": "120"})


def test_without_options_the_published_example_is_shown() -> None:
    result = run()
    assert result.exit_code == 0
    for figure in ("250,000", "9.7%", "11,666,667", "1,351,146", "18.9", "2.2", "88%"):
        assert figure in result.output


def test_options_and_json_say_the_same() -> None:
    result = run("--images", "600", "--minutes", "1", "--labellers", "1", "--labelled-share", "0.1", "--json")
    values = json.loads(result.output)
    assert values["by_hand"]["hours"] == 10
    assert values["assisted"]["labelling_hours"] == 1
    assert values["assisted"]["audit_hours"] == 1.5
    assert values["measured"] is None


def test_a_share_beyond_everything_is_refused() -> None:
    assert run("--labelled-share", "1.5").exit_code == 2
