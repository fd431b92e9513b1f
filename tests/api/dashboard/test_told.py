"""What the service tells is read in the reader's language: refusals, alerts, ends of jobs. Programs read English."""

from __future__ import annotations

import ast
import math
import re

import pytest
from pydantic import ValidationError

from api.dashboard import told_texts, words
from api.dashboard.told import FEW_LETTERS, LONGEST, MOST_LOOKS, Template, told
from api.http import problems
from api.schemas import bodies
from models.recipes import RECIPES
from models.specs.sample import SampleParams
from models.states import ErrorCode, EventType, Outcome
from stores.jobs.transitions import Ending

CHINESE = {"Accept-Language": "zh-TW"}
PART = re.compile(r"{\w+}")


@pytest.mark.parametrize("tag", words.OTHERS)
def test_every_text_is_known_again_when_it_is_filled_in(tag):
    wrong = {}
    for message in words.read(tag, "told."):
        if len(re.findall("[a-z]", PART.sub("", message.id))) >= FEW_LETTERS:  # what has less is a part of others
            text, said = (PART.sub(lambda found: f"q7{len(found[0])}", one) for one in (message.id, message.string))
            if told(text, tag) != said:
                wrong[text] = told(text, tag)
    assert wrong == {}


@pytest.mark.parametrize(
    "text",
    ["; " * 1000, "a; " * 600, ": " * 1000, "a: b; " * 300, "a, " * 600, "must be at least 1; must be at least " * 50],
)
def test_what_people_write_to_be_taken_apart_without_end_is_left_as_it_is(text):
    assert told(text[:LONGEST], "zh-Hant") == text[:LONGEST]


def test_a_line_is_looked_through_so_often_and_no_more(monkeypatch):
    looks = []
    known = Template.parts
    monkeypatch.setattr(Template, "parts", lambda template, text: looks.append(text) or known(template, text))
    told("not a text of ours: " + "x; y: z; " * 200, "zh-Hans")
    assert len(set(looks)) <= MOST_LOOKS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("must be at least 1", "必須至少為 1"),
        ("must be one of 'a', 'b' or 'c'", "必須是 'a', 'b' 或 'c' 其中之一"),
        ("must be 16 to 64 in steps of 16 pixels for this recipe", "此配方須為 16 到 64，每級 16 像素"),
        (
            "cannot pause a job that is failed; possible now: cancel, resume",
            "工作處於「失敗」，無法暫停；目前可以：取消、繼續",
        ),
        (
            "dcgan needs images with at least two classes; this data set has none",
            "dcgan 需要至少有兩個類別的圖像；此資料集沒有類別",
        ),
        ("my cat.png: is encrypted", "my cat.png：已加密"),
        ("cat.png is encrypted; send an archive without a password", "cat.png 已加密；請上傳沒有密碼的封存檔"),
        (
            "2 of 2 attempts died; the last one: the trainer was ended by SIGKILL",
            "2 次嘗試中有 2 次中止；最後一次：訓練程序被 SIGKILL 結束",
        ),
        (
            "the trainer was ended by SIGKILL\nlast log lines:\nnot ours",
            "訓練程序被 SIGKILL 結束\n最後的日誌：\nnot ours",
        ),
        ("one or the other", "one or the other"),
        ("ValueError: is no text of ours", "ValueError: is no text of ours"),
    ],
)
def test_a_text_is_said_with_what_was_filled_in(text, said):
    assert told(text, "zh-Hant") == said


def found_by_pydantic(model, path):
    """Return what is found wrong with values of all kinds at a place of a request, by type."""
    values = [None, True, 0, -1, 1.5, 10**30, math.inf, "", "x", "x" * 400, [], [None], {}, {"x": None}, {"steps": 0}]
    found = {}
    for value in values:
        asked = value
        for name in reversed(path):
            asked = {**WHOLE, name: asked}
        try:
            model.model_validate(asked)
        except ValidationError as error:
            found |= {one["type"]: one for one in error.errors(include_url=False)}
    return found


WHOLE = {"kind": "train", "action": "cancel", "expected": 1}
BODIES = (bodies.NewJobBody, bodies.JobChanges, bodies.Retry, bodies.BulkOrder, bodies.NewKey, SampleParams)
NAMES = ("source", "filter", "quotas", "created_after", "kind", "params", "labels", "seed", "recipe", "parent", "state")


@pytest.mark.parametrize(
    "model", [*BODIES, *(one.params for one in RECIPES.values())], ids=lambda model: model.__name__
)
def test_every_finding_of_pydantic_has_words_of_ours(model):
    paths = [[], *([name] for name in {*NAMES, *model.model_fields})]
    paths += [[outer, name] for outer in ("filter", "quotas", "source") for name in (*NAMES, "queued", "job")]
    found = [one for path in paths for one in found_by_pydantic(model, path).values()]
    # Its own words begin with what it took: "Input should be …", "Value error, …".
    assert [one for one in found if problems.words(one).startswith(one["msg"][:1].lower() + one["msg"][1:])] == []
    assert [one for one in found if told(problems.words(one), "zh-Hans") == problems.words(one)] == []


def test_english_stays_as_it_is():
    assert told("must be at least 1", "en") == "must be at least 1"


def test_a_flood_of_words_is_not_looked_through():
    flood = "is required; " * LONGEST
    assert told(flood, "zh-Hant") == flood


SOURCE = '''
"""A docstring is not told."""
NUMBER = 3
REMEDY = "put it back again"
LOOKED_FOR = ("out of memory", "no room left")

def refuse(name, count, found):
    """Neither is this."""
    note = f"; there are {count} of them" if count else ""
    log.info("an_event_of_the_log", why="with no words")
    Field(description="what a parameter means")
    if found:
        raise NotHereError(f"{name} is {'gone' if found else 'damaged'}{note}: {REMEDY}")
    return field("/params", "must not be " + found.words + " here", f"{name.upper()} and {found.name} differ")
'''


def test_texts_are_found_where_they_are_written():
    assert set(told_texts._Reader(ast.parse(SOURCE)).texts()) == {
        "{name} is gone: put it back again",
        "{name} is damaged: put it back again",
        "{name} is gone; there are {count} of them: put it back again",
        "{name} is damaged; there are {count} of them: put it back again",
        "must not be {words} here",
        "{upper} and {name} differ",
        "with no words",
    }


def test_a_script_reads_refusals_in_the_language_of_its_page(alice, enter):
    reader = enter(alice)
    job = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "params": {"epochs": 0}}
    answer = reader.call("POST", "/v1/jobs", json=job, headers=CHINESE)
    assert answer.headers["Content-Language"] == "zh-Hant"
    assert (answer.json["title"], answer.json["detail"]) == ("請求無效", "有 1 個欄位不正確")
    assert answer.json["errors"] == [{"pointer": "/params/epochs", "detail": "必須至少為 1"}]
    assert reader.call("GET", "/v1/nowhere", headers=CHINESE).json["detail"] == "此網址沒有內容；/docs 列出了所有網址"
    reader.client.set_cookie("ganforge_language", "zh-Hans")  # the reader's choice goes before the browser's
    assert reader.call("POST", "/v1/jobs", json=job, headers=CHINESE).json["detail"] == "有 1 个字段不正确"


def test_a_program_reads_english_whatever_it_says_of_languages(alice, enter):
    job = {"kind": "train", "recipe": "nope", "dataset": "mnist-10k"}
    answer = alice.post("/v1/jobs", json=job, headers=CHINESE)
    assert answer.json["detail"] == "1 field is not valid"
    assert "Content-Language" not in answer.headers
    reader = enter(alice)
    reader.client.set_cookie("ganforge_language", "zh-Hant")
    key = {"Authorization": f"Bearer {alice.key}"}  # a key goes before a cookie
    assert reader.client.post("/v1/jobs", json=job, headers=key).json["title"] == "Request is not valid"


def test_a_page_says_in_its_language_what_became_of_a_job(alice, enter, bench, stores):
    job = alice.submit(max_attempts=1)
    claim = bench.claim()
    alert = {"code": "gradient_norm", "detail": "a gradient stays over 100; lower the learning rate", "step": 3}
    stores.jobs.progress(claim, [(EventType.alert, alert)])
    detail = "the trainer was ended by SIGKILL"
    stores.jobs.finish(claim, Ending(Outcome.crashed, "trainer ended by SIGKILL", ErrorCode.internal, detail))
    page = enter(alice).see(f"/dashboard/jobs/{job['id']}", headers=CHINESE)
    for said in ("有梯度持續高於 100；請降低學習率", "1 次嘗試中有 1 次中止；最後一次：訓練程序被 SIGKILL 結束"):
        assert said in page
    assert "ended by" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_problem_on_the_way_to_a_page_is_said_in_its_language(alice, enter):
    page = enter(alice).see("/dashboard/jobs/job_nope", 404, headers=CHINESE)
    assert "<p>沒有這個工作。</p>" in page
    page = enter(alice).see("/dashboard/jobs?recipe=" + "x" * 300, 422, headers=CHINESE)
    assert "最多只能有 255 個字元" in page


def test_a_script_asks_what_a_text_says(alice, enter):
    asked = "/dashboard/told?text=there+is+no+such+job"
    answer = enter(alice).client.get(asked, headers=CHINESE)
    assert (answer.mimetype, answer.text) == ("text/plain", "沒有這個工作")
    assert enter(alice).client.get(asked).text == "there is no such job"
