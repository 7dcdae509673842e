"""Rasters on servers and in object stores: their names for GDAL, how they are asked for, and what a server says."""

from __future__ import annotations

import json
import os
import re
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote
from urllib.request import HTTPRedirectHandler, Request, build_opener

from geolabel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAUSES_S = (0.2, 1.0, 3.0)
"""How long to wait before a part that broke off is asked for again."""
_TIMEOUT_S = 20
_LONGEST = 200
"""Characters of a name in a message."""
MOST_JSON_BYTES = 64 << 20
"""Of a STAC file; a page of 10,000 items is a tenth."""
_SETTINGS = {
    "GDAL_HTTP_MAX_RETRY": 4,  # where the server is overloaded (429, 5xx)
    "GDAL_HTTP_RETRY_DELAY": 0.5,
    "GDAL_HTTP_CONNECTTIMEOUT": _TIMEOUT_S,
    "GDAL_HTTP_LOW_SPEED_TIME": 30,  # a server that has fallen silent; a slow one may take its time
    "GDAL_HTTP_LOW_SPEED_LIMIT": 100,
    "GDAL_HTTP_MULTIRANGE": "SERIAL",  # the other way never asks twice
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "CPL_VSIL_CURL_CHUNK_SIZE": 1 << 16,  # the headers of most COGs fit
    "CPL_VSIL_CURL_CACHE_SIZE": 64 << 20,  # one for the process; VSI_CACHE would be one for each file
}
_STORES = {"s3": "/vsis3/", "gs": "/vsigs/", "az": "/vsiaz/"}
_QUERY = "/vsicurl?empty_dir=yes&url="
"""GDAL's spelling that looks for no files beside a raster. Said for one file: files here do have some."""
_OWN_QUERY = re.compile(re.escape(_QUERY) + "[^&]*")
"""Other options of GDAL's name files, too, whose content is sent."""
_NAMED = re.compile(r"vsicurl\?\S*?url=([^\s&',\"`]+)|/(vsi(?:curl|s3|gs|az)/[^\s',\"`]+)|(https?://[^\s',\"`]+)")
_STATUS = re.compile(r"response(?:_| )code\s*[:=]\s*(\d+)")
_LOST_FOR_GOOD = range(400, 429)
"""Answers that the same question gets again: not found, forbidden; 429 and above pass."""


def settings() -> Mapping[str, Any]:
    """GDAL's settings for range requests, where the user's environment says nothing else."""
    return {name: value for name, value in _SETTINGS.items() if name not in os.environ}


def is_url(text: str) -> bool:
    """Whether a text names something on a server that is asked by HTTP."""
    return text.lower().startswith(("http://", "https://"))


def is_remote(text: str) -> bool:
    """Whether a text names something in a network, by address or as GDAL does."""
    scheme = text.partition("://")[0].lower()
    stores = tuple(_STORES.values())
    return is_url(text) or ("://" in text and scheme in _STORES) or text.startswith(("/vsicurl", *stores))


def is_web(text: str) -> bool:
    """Whether a text names something that is fetched by HTTP, from a server or an object store; `is_remote` may lie."""
    if not is_remote(text) or (text.startswith("/vsicurl?") and not _OWN_QUERY.fullmatch(text)):
        return False
    found = address(text)
    return is_url(found) or found.lower().startswith(tuple(f"{scheme}://" for scheme in _STORES))


def shown(text: str) -> str:
    """A path or address for a message: `bare`, and not of any length."""
    where = bare(text)
    return where if len(where) <= _LONGEST else f"{where[:_LONGEST]}…"


def bare(text: str) -> str:
    """A path or address without what may be secret in it: the query, and who signs in."""
    where = address(text)
    if "://" not in where:
        return where
    scheme, _, rest = where.partition("?")[0].partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def bared(text: str) -> str:
    """A text in which addresses stand, each without what may be secret in it."""
    return _NAMED.sub(lambda found: shown(found[0]), text)


def gdal_name(text: str) -> str:
    """What GDAL calls an address: `https://…`, `s3://…`, `gs://…`, `az://…`; names of its own stay as they are."""
    if is_url(text):
        return _QUERY + quote(text, safe="")
    scheme, separator, rest = text.partition("://")
    return _STORES[scheme.lower()] + rest if separator and scheme.lower() in _STORES else text


def address(source: str) -> str:
    """What people call a source of GDAL: the inverse of `gdal_name`; a path stays as it is."""
    if source.startswith("/vsicurl?"):
        return unquote(re.sub(r".*[?&]url=([^&]*).*", r"\1", source))
    for scheme, prefix in _STORES.items():
        if source.startswith(prefix):
            return f"{scheme}://{source.removeprefix(prefix)}"
    return source.removeprefix("/vsicurl/")


def named(error: BaseException, sources: Iterable[str]) -> str | None:
    """Address of that of some remote sources that an error of GDAL names; None where it names none of them.

    A server's own words may stand in the error, too, with addresses that nobody asked.
    """
    texts = _texts(error)
    found = [each for each in sources if any(each in text or address(each) in text for text in texts)]
    return address(max(found, key=len)) if found else None


def is_final(error: BaseException) -> bool:
    """Whether to ask again would be in vain."""
    codes = [int(code) for text in _texts(error) for code in _STATUS.findall(text)]
    return any(code in _LOST_FOR_GOOD for code in codes)


def _texts(error: BaseException) -> list[str]:
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        texts.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return texts


def refusal(source: str, reason: str) -> InputError:
    """Why a remote raster does not open: what its server says, where it can be asked; else GDAL's reason."""
    where = address(source)
    said = _said(where) if is_url(where) else ""
    if not said:
        said = (
            f"is no raster that GDAL can read there ({reason}); check the address, and what it takes to sign in "
            "(a VRT, netCDF or Erdas Imagine there is read with --allow-remote)"
        )
    return InputError(f"{shown(source)}: {bared(said)}")


def broken(where: str, part: str, reason: str) -> InputError:
    """A remote raster of which a part does not arrive."""
    return InputError(
        f"{shown(where)}: the connection broke off at {part}, {len(PAUSES_S) + 1} times ({bared(reason)}); "
        "try again later, or download the file and name that"
    )


def _said(url: str) -> str:
    """What is wrong, in the server's own answer to a request for one byte; nothing where it answers as it should."""
    try:
        with _opened(url, {"Range": "bytes=0-0"}) as answer:
            partial = answer.status == 206  # noqa: PLR2004 - "partial content"
    except HTTPError as error:
        return f"the server answers {error.code} ({error.reason}); check the address, and whether it asks to sign in"
    except OSError as error:
        return f"does not answer ({_reason(error)}); check the address and the network"
    return "" if partial else "its server gives whole files only, no parts of them; download it and name the file"


def identity(source: str) -> str:
    """What tells one state of a remote file from another: size, date and ETag by HTTP; else no more than its name."""
    where = address(source)
    if is_url(where):
        try:
            with _opened(where, {}, method="HEAD") as answer:
                told = [answer.headers.get(name, "") for name in ("ETag", "Last-Modified", "Content-Length")]
        except OSError:
            told = []
        return " ".join([where, *told])
    return where


def fetch_json(url: str) -> Any:
    """JSON from a server, asked for again where it breaks off. Raises InputError."""
    where = shown(url)
    for pause in (*PAUSES_S, None):
        try:
            with _opened(url, {"Accept": "application/geo+json, application/json"}) as answer:
                return json.loads(_limited(answer, where))
        except HTTPError as error:
            if error.code in _LOST_FOR_GOOD or pause is None:
                raise InputError(
                    f"{where}: the server answers {error.code} ({error.reason}); check the address, and whether it "
                    "asks to sign in"
                ) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: is not JSON ({error}); a STAC item or collection was expected") from error
        except (OSError, HTTPException) as error:
            if pause is None:
                raise InputError(
                    f"{where}: does not answer ({_reason(error)}); check the address and the network"
                ) from error
        time.sleep(pause)
    raise AssertionError


def _opened(url: str, headers: Mapping[str, str], method: str = "GET") -> Any:
    request = Request(url, headers={"User-Agent": "geolabel", **headers}, method=method)  # noqa: S310 - by is_url
    try:
        return _OPENER.open(request, timeout=_TIMEOUT_S)
    except HTTPError as error:
        error.close()  # it holds the connection
        raise


def _limited(answer: Any, where: str) -> bytes:
    content: bytes = answer.read(MOST_JSON_BYTES + 1)
    if len(content) > MOST_JSON_BYTES:
        raise InputError(f"{where}: is more than {MOST_JSON_BYTES >> 20} MiB of JSON; name single items")
    return content


class _Redirects(HTTPRedirectHandler):
    """To http(s) only: urllib's own goes on by FTP, too."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if not is_url(newurl):
            raise HTTPError(shown(newurl), code, "leads to what is no http(s) address", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = build_opener(_Redirects)


def _reason(error: BaseException) -> str:
    return str(error.reason if isinstance(error, URLError) else error)
