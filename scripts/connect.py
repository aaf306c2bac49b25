"""Connect Label Studio projects to this service, or repair their connection."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from backend.errors import RequestError, SettingsError
from backend.settings import Settings
from scripts.options import errors_to_exit


def main(
    project: Annotated[list[int], typer.Option(help="Project number; may be given several times.")],
    backend_url: Annotated[
        str, typer.Option(help="Where Label Studio reaches this service.")
    ] = "http://localhost:9090",
    label_studio_url: Annotated[
        str | None, typer.Option(help="Label Studio; default MASKLOOP_LABEL_STUDIO_URL.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(help="Its token; default MASKLOOP_LABEL_STUDIO_API_KEY.")
    ] = None,
    title: Annotated[str, typer.Option(help="Name of the model in the project's settings.")] = "Maskloop",
    extra_params: Annotated[
        str | None,
        typer.Option(help='Options of the project as JSON, such as {"prelabeller": "otsu"}.'),
    ] = None,
) -> None:
    """Add this service to projects: interactive, with pre-labels, with an authenticated webhook.

    Running it again repairs what is missing and changes nothing else. The service's own user and password
    are taken from MASKLOOP_BASIC_AUTH_USER and MASKLOOP_BASIC_AUTH_PASSWORD.
    """
    with errors_to_exit():
        settings = Settings.from_environment()
        url = label_studio_url or settings.label_studio_url
        key = api_key or (
            settings.label_studio_api_key.get_secret_value() if settings.label_studio_api_key else None
        )
        if not url or not key:
            raise SettingsError(
                "Label Studio's address and token are needed: give --label-studio-url and --api-key, or set "
                "MASKLOOP_LABEL_STUDIO_URL and MASKLOOP_LABEL_STUDIO_API_KEY."
            )
        options = _parse_options(extra_params)
        # Imported here: the SDK takes two seconds, --help and wrong arguments should not.
        from backend.labelstudio.client import LabelStudioClient
        from backend.services.connection import Connection, connect

        with LabelStudioClient(url, key) as client:
            for number in project:
                wanted = Connection(
                    number,
                    backend_url.rstrip("/"),
                    prelabeller=(options or {}).get("prelabeller", settings.prelabeller),
                    title=title,
                    basic_auth=_credentials(settings),
                    extra_params=options,
                )
                for line in connect(client, wanted):
                    typer.echo(line)


def _credentials(settings: Settings) -> tuple[str, str] | None:
    if settings.basic_auth_user is None or settings.basic_auth_password is None:
        return None
    return settings.basic_auth_user, settings.basic_auth_password.get_secret_value()


def _parse_options(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        options = json.loads(text)
    except ValueError as error:
        raise RequestError(f"--extra-params is not JSON: {error}.") from None
    if not isinstance(options, dict):
        raise RequestError("--extra-params must be a JSON object.")
    return options


if __name__ == "__main__":
    typer.run(main)
