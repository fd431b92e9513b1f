"""What the service tells is read in the reader's language: refusals, alerts, ends of jobs. Programs read English."""

from __future__ import annotations

import io
import math
import re

import pytest
from pydantic import ValidationError

from api.dashboard import script_texts
from api.http.field_faults import fault
from api.http.language import catalogue
from api.schemas import bodies
from models.messages import (
    Alerts,
    ArchiveFaults,
    Ends,
    FieldFaults,
    Logs,
    OrderFaults,
    ParameterFaults,
    Reasons,
    Remedies,
    Text,
    Texts,
    Words,
    message_of,
    verbatim,
    word,
)
from models.recipes import RECIPES
from models.specs.evaluate import EvaluateParams
from models.specs.sample import SampleParams
from models.states import ErrorCode, EventType, Outcome
from stores.jobs.transitions import Ending
from tests.api.uploads.archives import pictures, zipped
from worker import endings, event_data
from worker.stalls import Stall

CHINESE = {"Accept-Language": "zh-TW"}


class Novelties(Texts):
    """Texts that nobody has translated."""

    of_today = Text("nobody has translated {what}")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (FieldFaults.at_least(ge=1), "必須至少為 1"),
        (
            FieldFaults.not_a_choice(expected=Words.either(some=["'a'", "'b'"], last="'c'")),
            "必須是 'a'、'b' 或 'c' 其中之一",
        ),
        (
            ParameterFaults.other_sizes(sizes=ParameterFaults.sizes_steps(first=16, last=64, step=16)),
            "此配方須為 16 到 64，每級 16 像素",
        ),
        (
            Words.both(
                first=OrderFaults.cannot(action=word("pause"), state=word("failed")),
                second=OrderFaults.possible_now(allowed=[word("cancel"), word("resume")]),
            ),
            "工作處於「失敗」，無法暫停；目前可以：取消、繼續",
        ),
        (
            Words.subject_and(subject="dcgan", what=ParameterFaults.needs_classes()),
            "dcgan 需要至少有兩個類別的圖像；此資料集沒有類別",
        ),
        (
            Words.both(first=ArchiveFaults.file_is(kind=ArchiveFaults.empty_file()), second=Remedies.send_fewer()),
            "檔案是空的；請上傳較少的圖片",
        ),
        (
            Ends.attempts_died(died=2, most=2, last=Ends.ended_by(signal="SIGKILL")),
            "2 次嘗試中有 2 次中止；最後一次：訓練程序被 SIGKILL 結束",
        ),
        (
            Words.with_log(what=Ends.ended_by(signal="SIGKILL"), log="not ours"),
            "訓練程序被 SIGKILL 結束\n最後的日誌：\nnot ours",
        ),
        (verbatim("one or the other"), "one or the other"),
    ],
)
def test_a_message_is_said_with_what_was_filled_in(message, said):
    assert message.put(catalogue("zh-Hant")) == said


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
BODIES = (
    bodies.NewJobBody,
    bodies.JobChanges,
    bodies.Retry,
    bodies.BulkOrder,
    bodies.NewKey,
    SampleParams,
    EvaluateParams,
)
NAMES = ("source", "filter", "quotas", "created_after", "kind", "params", "labels", "seed", "recipe", "parent", "state")


@pytest.mark.parametrize(
    "model", [*BODIES, *(one.params for one in RECIPES.values())], ids=lambda model: model.__name__
)
def test_every_finding_of_pydantic_has_a_message_of_ours(model):
    paths = [[], *([name] for name in {*NAMES, *model.model_fields})]
    paths += [[outer, name] for outer in ("filter", "quotas", "source") for name in (*NAMES, "queued", "job")]
    found = [one for path in paths for one in found_by_pydantic(model, path).values()]
    assert [one for one in found if fault(one).code == "verbatim"] == []


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


def ended(alice, bench, stores, ending, *news):
    """Return a job that told these events and ended so."""
    job = alice.submit(max_attempts=1)
    claim = bench.claim()
    stores.jobs.progress(claim, news)
    stores.jobs.finish(claim, ending)
    return job["id"]


def alert(message, code="gradient_norm"):
    return (EventType.alert, {"code": code, "detail": str(message), "text": message.as_json(), "step": 3})


def bare(page):
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_page_says_in_its_language_what_became_of_a_job(alice, enter, bench, stores):
    line = Logs.preparing(name="faces", size=64, total=10)
    news = [
        alert(Alerts.gradient_norm(times=10)),
        (EventType.log, {"level": "info", "message": str(line), "text": line.as_json()}),
    ]
    reason, detail = Reasons.trainer_ended_by(signal="SIGKILL"), Ends.ended_by(signal="SIGKILL")
    job = ended(alice, bench, stores, Ending(Outcome.crashed, reason, ErrorCode.internal, detail), *news)
    page = enter(alice).see(f"/dashboard/jobs/{job}", headers=CHINESE)
    for said in (
        "有梯度持續超過平常的 10 倍，損失也比平常差；請降低學習率",
        "準備 faces（64 像素），僅此一次：10 張圖片",
        "1 次嘗試中有 1 次中止；最後一次：訓練程序被 SIGKILL 結束",
    ):
        assert said in page
    assert "ended by" not in bare(page)


def test_a_page_says_in_its_language_where_a_trainer_stalled(alice, enter, bench, stores):
    stall = Stall(61.3, 60.0, "training", 1200)
    ending = endings.stalled(stall, Words.process_stopped(), [])
    job = ended(alice, bench, stores, ending, event_data.of_stall(stall))
    page = enter(alice).see(f"/dashboard/jobs/{job}", headers=CHINESE)
    for said in (
        "訓練程序在「訓練」階段已 61 秒沒有進展，上限為 60 秒",
        "訓練程序在「訓練」階段 61 秒沒有進展；無法得知其執行緒的狀態：程序處於「被訊號暫停」",
    ):
        assert said in page
    assert "no progress" not in bare(page).lower()


def test_rows_and_events_keep_the_english_with_code_and_parameters_beside(alice, bench, stores):
    detail = Ends.ended_by(signal="SIGKILL")
    ending = Ending(Outcome.crashed, Reasons.trainer_ended_by(signal="SIGKILL"), ErrorCode.internal, detail)
    job = alice.get(f"/v1/jobs/{ended(alice, bench, stores, ending)}").json
    assert job["error"]["detail"] == "1 of 1 attempts died; the last one: the trainer was ended by SIGKILL"
    assert job["error"]["text"] == {"code": "attempts_died", "params": {"died": 1, "most": 1, "last": detail.as_json()}}
    assert (job["reason"], job["reason_text"]["code"]) == ("trainer ended by SIGKILL", "trainer_ended_by")
    [attempt] = alice.get(f"/v1/jobs/{job['id']}/attempts").json["data"]
    assert attempt["error"] == {"code": "internal", "detail": str(detail), "text": detail.as_json()}
    last = stores.events.newest(job["id"], [EventType.state], 1)[0]["data"]
    assert (last["reason"], last["text"]) == (job["reason"], job["reason_text"])


def test_what_was_written_before_there_were_codes_is_shown_in_english(alice, enter, bench, stores):
    old = (EventType.alert, {"code": "gradient_norm", "detail": "an old alert", "step": 3})
    ending = Ending(Outcome.failed, "an old reason", ErrorCode.internal, "an old detail")
    job = ended(alice, bench, stores, ending, old)
    page = enter(alice).see(f"/dashboard/jobs/{job}", headers=CHINESE)
    assert "an old alert" in page
    assert "an old detail" in page


def test_markup_in_parameters_is_shown_as_text(alice, enter, bench, stores):
    detail = Ends.ended_by(signal="<img src=x onerror=alert(1)>")
    job = ended(
        alice,
        bench,
        stores,
        Ending(Outcome.failed, None, ErrorCode.internal, detail),
        alert(Alerts.gradient_norm(times="<b>")),
    )
    for headers in ({}, CHINESE):
        page = bare(enter(alice).see(f"/dashboard/jobs/{job}", headers=headers))
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page
        assert "&lt;b&gt;" in page


def test_a_text_without_a_translation_is_shown_in_english(alice, enter, bench, stores):
    detail = Novelties.of_today(what="this")
    job = ended(alice, bench, stores, Ending(Outcome.failed, None, ErrorCode.internal, detail))
    assert "nobody has translated this" in enter(alice).see(f"/dashboard/jobs/{job}", headers=CHINESE)


def test_scripts_get_the_alerts_of_a_live_page_by_code():
    told = script_texts.texts("zh-Hant")["messages"]
    assert told["gradient_norm"] == "有梯度持續超過平常的 {times} 倍，損失也比平常差；請降低學習率"
    assert set(told) == {text.code for text in vars(Alerts).values() if isinstance(text, Text)}


def test_a_problem_on_the_way_to_a_page_is_said_in_its_language(alice, enter):
    page = enter(alice).see("/dashboard/jobs/job_nope", 404, headers=CHINESE)
    assert '<p class="sentence">沒有這個工作。</p>' in page
    page = enter(alice).see("/dashboard/jobs?recipe=" + "x" * 300, 422, headers=CHINESE)
    assert "最多只能有 255 個字元" in page


def test_notes_on_an_upload_are_in_the_language_of_the_page(alice, enter, upload):
    archive = zipped({**pictures(20), "LICENSE": b"free"})
    reader = enter(alice)
    form = {"file": (io.BytesIO(archive), "a.zip"), "name": "one", "size": "32"}
    made = reader.call("POST", "/v1/datasets", data=form, headers=CHINESE)
    assert made.status_code == 201, made.text
    assert "略過 1 個其他檔案：LICENSE" in made.json["notes"]
    assert "1 other files skipped: LICENSE" in upload(alice, archive, "two", size="32").json["notes"]


def test_what_a_library_says_is_a_message_as_it_stands():
    assert message_of(ValueError("Input should be 3")) == verbatim("Input should be 3")
    assert message_of(ValueError(FieldFaults.required())) == FieldFaults.required()
