"""Our own mutations: headers, ids in paths, cursors, and multipart bodies."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import hypothesis
import requests
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case

from models.states import Role
from tests.api.conftest import TRAIN
from tests.api.generated import CHECKS, generated
from tests.fuzz.documented import STREAM, TURNS, note_faults, send
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from tests.fuzz.campaign import Result

# What no line end is: `requests` sends no header with one. Bytes of every kind go through tests/fuzz/raw.py.
VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=300).map(str.lstrip)
GIVEN = {
    "Idempotency-Key": st.one_of(VALUES, st.just("a" * 256), st.just("")),
    "Last-Event-ID": st.one_of(VALUES, st.integers().map(str), st.just("job_1:1"), st.just("9" * 30)),
    "Prefer": st.one_of(
        VALUES, st.sampled_from(["wait", "wait=", "wait=0", "wait=-1", "wait=x, wait=0", "respond-async"])
    ),
    "X-Request-ID": VALUES,
    "Accept-Language": st.one_of(VALUES, st.sampled_from(["zh;q=9", ";", "zh-Hant;q=", "*", "zh" * 90])),
    "Accept": st.one_of(
        VALUES, st.sampled_from(["text/csv", "text/csv;q=x", "*/*;q=2", "application/xml", "/", ",,,"])
    ),
    "Cookie": st.one_of(VALUES, VALUES.map("ganforge_session=".__add__), VALUES.map("ganforge_language=".__add__)),
    "Content-Type": st.one_of(
        VALUES, st.sampled_from(["application/json; charset=x", "multipart/form-data", "text/x"])
    ),
    "Authorization": st.one_of(
        VALUES, st.sampled_from(["Bearer", "Bearer  ", "Basic eDp5", "Bearer gf_\xe9", "bearer x y"])
    ),
    "X-CSRF-Token": VALUES,
    "Range": st.one_of(
        VALUES, st.sampled_from(["bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=9-", "bytes=0-1,3-4", "x=1-2"])
    ),
    "If-None-Match": st.one_of(VALUES, st.sampled_from(["*", '"x"', 'W/"x"', '"', ","])),
    "If-Range": VALUES,
    "If-Modified-Since": st.one_of(VALUES, st.just("Mon, 99 Foo 2026 99:99:99 GMT")),
    "Sec-Fetch-Site": VALUES,
    "Origin": VALUES,
    "Host": st.one_of(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80)),
    "X-Forwarded-For": VALUES,
    "X-Forwarded-Host": VALUES,
    "Expect": st.sampled_from(["x", "100-Continue"]),
    "X-HTTP-Method-Override": st.just("DELETE"),
}
ODD = st.one_of(
    st.text(min_size=1, max_size=80).map(lambda text: text.encode(errors="replace").decode()),
    st.sampled_from(["...", "%", "\0", "null", "undefined", "-1", "9" * 40, "job_", "' or 1=1", "{}", "${x}", "//"]),
).filter(lambda text: text not in {".", ".."})  # which clients take out of a path


def _operations(target: Target, wanted: Callable[[str, dict[str, Any]], bool]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{target.url}/openapi.json")
    return {
        operation["operationId"]: schema.find_operation_by_id(operation["operationId"])
        for path, methods in target.document["paths"].items()
        for operation in methods.values()
        if operation["operationId"] != STREAM and wanted(path, operation)
    }


EVALUATE = {"kind": "evaluate", "source": {"dataset": "mnist-10k"}, "dataset": "mnist-10k", "queue": "cpu"}
JOBS = (TRAIN, EVALUATE)


def _case(operation: Any, target: Target, turn: int, **parts: Any) -> Case:
    """Return a right request to something that is there."""
    names = re.findall(r"{(\w+)}", operation.path)
    path = {name: target.known[name][turn % len(target.known[name])] for name in names}
    body = {"POST /v1/jobs": JOBS[turn % len(JOBS)], "POST /v1/keys": {"name": "fuzz"}}.get(
        f"{operation.method.upper()} {operation.path}"
    )
    if operation.body and "headers" not in parts:
        parts.setdefault("body", body or {})
    if operation.body:
        parts |= {"body": body or {}, "media_type": "application/json"}
    return operation.Case(**{"path_parameters": path, **parts})  # type: ignore[no-any-return]


def headers(target: Target, cases: int, seed: int, result: Result) -> None:
    """Send right requests with one to three wrong headers."""
    operations = _operations(target, lambda path, operation: operation["operationId"] != "create_dataset")
    names = sorted(operations)
    chosen = st.lists(st.sampled_from(sorted(GIVEN)), min_size=1, max_size=3, unique=True)
    counted = iter(range(10**9))

    @generated(cases, seed)
    @hypothesis.given(st.sampled_from(names), chosen, st.data())
    def go(name: str, given: list[str], data: Any) -> None:
        turn = next(counted)
        sent = {header: data.draw(GIVEN[header]).encode("latin-1") for header in given}
        case = _case(operations[name], target, turn, headers=sent)
        # Our own Authorization is the last word, so the key is left out where that header is under test.
        role = None if "Authorization" in given else TURNS[turn % len(TURNS)]
        send(case, name, role, target, result, "headers", CHECKS)

    go()


def ids(target: Target, cases: int, seed: int, result: Result) -> None:
    """Ask for things whose ids are none."""
    operations = _operations(target, lambda path, operation: "{" in path)
    names = sorted(operations)
    counted = iter(range(10**9))

    @generated(cases, seed)
    @hypothesis.given(st.sampled_from(names), ODD, st.booleans())
    def go(name: str, odd: str, whole: bool) -> None:
        turn = next(counted)
        case = _case(operations[name], target, turn)
        for parameter in case.path_parameters:
            right = str(case.path_parameters[parameter])
            case.path_parameters[parameter] = odd if whole else right[: len(right) // 2] + odd
        send(case, name, TURNS[turn % len(TURNS)], target, result, "ids", CHECKS)

    go()


def cursors(target: Target, cases: int, seed: int, result: Result) -> None:
    """Ask for pages with cursors that were cut, changed, or made up."""
    operations = _operations(target, lambda path, operation: "cursor" in str(operation.get("parameters")))
    names = sorted(operations)
    counted = iter(range(10**9))
    places = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
        max_leaves=5,
    )
    made_up = places.map(lambda place: base64.urlsafe_b64encode(json.dumps(place).encode()).decode())
    texts = st.text(max_size=60).map(lambda text: text.encode(errors="replace").decode())
    right: dict[tuple[str, int], str] = {}

    @generated(cases, seed)
    @hypothesis.given(st.sampled_from(names), made_up | texts, st.integers(0, 200), st.characters(max_codepoint=126))
    def go(name: str, given: str, place: int, other: str) -> None:
        turn = next(counted)
        role = TURNS[turn % len(TURNS)]
        case = _case(operations[name], target, turn, query={"limit": 1})
        key = (name + str(case.path_parameters), turn % len(TURNS))
        if key not in right:
            answer = case.call(headers=target.headers(role), timeout=60)
            right[key] = (answer.json().get("next_cursor") or "") if answer.status_code == 200 else ""
        if turn % 2 and (cursor := right[key]):
            place %= len(cursor)
            given = (cursor[:place] + other + cursor[place + 1 :], cursor[:place], cursor + other)[turn % 3]
        case.query["cursor"] = given
        send(case, name, role, target, result, "cursors", CHECKS)

    go()


def _archive() -> bytes:
    """Return a small zip of pictures."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(2):
            picture = io.BytesIO()
            Image.new("L", (8, 8), number * 99).save(picture, "PNG")
            archive.writestr(f"{number}.png", picture.getvalue())
    return file.getvalue()


def uploads(target: Target, cases: int, seed: int, result: Result) -> None:
    """Upload a data set in forms of which some bytes were changed."""
    operation = _operations(target, lambda path, operation: operation["operationId"] == "create_dataset")[
        "create_dataset"
    ]
    form = (
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nfuzz-%d\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n%s\r\n--b--\r\n'
    )
    archive = _archive()
    counted = iter(range(10**9))
    change = st.tuples(st.integers(0, 10_000), st.integers(0, 30), st.binary(max_size=20))

    @generated(cases, seed)
    @hypothesis.given(
        st.lists(change, max_size=4), st.sampled_from([b"", b"b", b"x", b'"b"', b"b; charset=x", b"\xff"])
    )
    def go(changes: list[tuple[int, int, bytes]], boundary: bytes) -> None:
        turn = next(counted)
        body = bytearray(form % (turn, archive))
        for place, length, other in changes:
            start = place % len(body) if turn % 2 else place % 180  # half of them in the first part's headers
            body[start : start + length] = other
        kind = b"multipart/form-data; boundary=" + (b"b" if turn % 4 else boundary)
        case = operation.Case()
        role = TURNS[turn % len(TURNS)]
        sent = {**target.headers(role), "Content-Type": kind}
        answer = requests.post(f"{target.url}/v1/datasets", data=bytes(body), headers=sent, timeout=120)
        result.note("uploads", answer.status_code)
        note_faults(case, answer, CHECKS, "create_dataset", repr(bytes(body))[:1500], result)
        if answer.status_code == 201:
            name = quote(answer.json()["id"])
            requests.delete(f"{target.url}/v1/datasets/{name}", headers=target.headers(Role.admin), timeout=60)

    go()
