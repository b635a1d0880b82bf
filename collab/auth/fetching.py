"""JSON from servers that the settings name: an issuer of tokens and its keys."""

from collections.abc import Mapping
from typing import Any

_MAX_ANSWER = 1 << 20  # bytes
_SECONDS = 5.0  # until an answer must be there


async def fetch_json(
    url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """The JSON object at `url`, or the one that it answers to `form`. No redirects, 1 MiB at most.

    Raises OSError, ValueError.
    """
    import httpx2  # takes 0.1 s to import, and few servers need it

    answer = bytearray()
    try:
        async with (
            httpx2.AsyncClient(timeout=_SECONDS) as client,
            client.stream(
                "GET" if form is None else "POST",
                url,
                data=form,
                headers={"Accept": "application/json", **(headers or {})},
            ) as response,
        ):
            if response.status_code != 200:
                raise ValueError(f"status {response.status_code}")
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > _MAX_ANSWER:
                    raise ValueError("the answer is too long")
            parsed = httpx2.Response(200, content=bytes(answer)).json()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise OSError(type(error).__name__) from error
    if isinstance(parsed, dict):
        return parsed
    raise ValueError("the answer is no JSON object")
