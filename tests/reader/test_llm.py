"""The reader "llm", against a server on this machine that speaks the wire format, with every error that servers have."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.cli import main
from engine.events import Events
from engine.faults import Failure, Fault, Note
from engine.reader import estimate, read_documents
from engine.reader.classifier import Classifier
from engine.reader.llm import llm, server
from engine.reader.llm.prompt import Question, answers, instructions

pytestmark = pytest.mark.filterwarnings("ignore::engine.faults.Note")

SENTENCES = ["Nvidia shares plunged 9%.", "Meta denied the report.", "Apple stock rose 1%.", "Oracle delays its cloud."]
NAMES = [("NVDA",), ("META",), ("AAPL",), ("ORCL",)]
LANGUAGES = ["en"] * 4
KINDS = {"plunged": "panic_drop", "denied": "denial", "delays": "project_delay"}

Reply = tuple[int, dict[str, str], Any]


def right(body: dict[str, Any]) -> Reply:
    """What a good model answers."""
    return 200, {}, chat(json.dumps({"labels": labels(body)}))


def labels(body: dict[str, Any]) -> list[dict[str, Any]]:
    out = []
    for row in json.loads(body["messages"][1]["content"])["sentences"]:
        kind = next((kind for word, kind in KINDS.items() if word in row["text"]), "none")
        out.append(
            {"sentence": row["sentence"], "kind": kind, "stance": -0.5, "confidence": 0.75, "assets": row["assets"]}
        )
    return out


def chat(content: Any, reason: str = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"finish_reason": reason, "message": {"role": "assistant", "content": content, **message}}]}


def error(code: int, said: str = "no", **headers: str) -> Reply:
    return code, headers, {"error": {"message": said, "type": "error"}}


class Fake:
    """A server that gives the next of some replies, and then right ones; it keeps what it was asked."""

    def __init__(self) -> None:
        self.replies: list[Callable[[dict[str, Any]], Reply]] = []
        self.always: Callable[[dict[str, Any]], Reply] = right
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.asked.append(body)
                fake.paths.append(self.path)
                fake.headers.append(dict(self.headers.items()))
                reply = fake.replies.pop(0) if fake.replies else fake.always
                code, headers, document = reply(body)
                sent = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(code)
                for name, value in {"Content-Length": str(len(sent)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever asked may have gone
        self.endpoint = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    @property
    def sentences(self) -> list[str]:
        """Every sentence that was asked about, in order, as often as it was."""
        return [row["text"] for body in self.asked for row in json.loads(body["messages"][1]["content"])["sentences"]]


@pytest.fixture
def fake() -> Iterator[Fake]:
    one = Fake()
    thread = threading.Thread(target=one.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield one
    one.http.shutdown()
    one.http.server_close()
    thread.join()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; none is waited for."""
    pauses: list[float] = []
    monkeypatch.setattr(server, "_sleep", lambda stopped, seconds: pauses.append(seconds))
    return pauses


@pytest.fixture
def made(fake: Fake, tmp_path: Path, slept: list[float]) -> Callable[..., Classifier]:
    def make(**settings: Any) -> Classifier:
        given = {"cutoff": "2024-06", "endpoint": fake.endpoint, "cache": tmp_path / "kept.sqlite", "parallel": 1}
        return llm("toy/model 1", **{**given, **settings})

    return make


def label(reader: Classifier, count: int = 4) -> list[str | None]:
    found: list[str | None] = reader.classify(SENTENCES[:count], NAMES[:count], LANGUAGES[:count])["kind"]
    return found


WANTED = ["panic_drop", "denial", None, "project_delay"]


def test_it_asks_in_the_wire_format(
    fake: Fake, made: Callable[..., Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_LLM_KEY", "secret-of-mine")
    answer = made().classify(SENTENCES, NAMES, LANGUAGES)
    assert answer["kind"] == WANTED
    assert answer["stance"] == [-0.5, -0.5, None, -0.5]
    assert answer["confidence"] == [0.75, 0.75, None, 0.75]
    assert answer["assets"] == [["NVDA"], ["META"], [], ["ORCL"]]
    (body,) = fake.asked
    assert fake.paths == ["/v1/chat/completions"]
    assert fake.headers[0]["Authorization"] == "Bearer secret-of-mine"
    assert (body["model"], body["temperature"]) == ("toy/model 1", 0)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    form = body["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["strict"] is True
    kinds = form["json_schema"]["schema"]["properties"]["labels"]["items"]["properties"]["kind"]["enum"]
    assert len(kinds) == 15
    assert "none" in kinds


def test_without_a_key_none_is_sent(
    fake: Fake, made: Callable[..., Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOCSIN_LLM_KEY", raising=False)
    label(made())
    monkeypatch.setenv("OTHER", "o")
    label(made(key_env="OTHER", guide=None, kinds="x=-1*0.5"))
    assert "Authorization" not in fake.headers[0]
    assert fake.headers[1]["Authorization"] == "Bearer o"


@pytest.mark.parametrize(
    ("wrap", "count"),
    [
        ("{}", 1),
        ("```json\n{}\n```", 1),
        ("```\n{}\n```", 1),
        ("Here you are:\n{}\nIs there more?", 1),
        ("<think>a {{ thought }}</think>{}", 1),
        ("  {}\n\n", 1),
    ],
)
def test_json_is_found_wherever_it_stands(fake: Fake, made: Callable[..., Classifier], wrap: str, count: int) -> None:
    head, _, tail = wrap.replace("{{", "\0").replace("}}", "\1").partition("{}")
    head, tail = (part.replace("\0", "{").replace("\1", "}") for part in (head, tail))
    fake.always = lambda body: (200, {}, chat(head + json.dumps({"labels": labels(body)}) + tail))
    assert label(made()) == WANTED
    assert len(fake.asked) == count


@pytest.mark.parametrize("code", [400, 415, 422, 501])
def test_a_server_that_knows_no_schema_is_asked_without(fake: Fake, made: Callable[..., Classifier], code: int) -> None:
    def picky(body: dict[str, Any]) -> Reply:
        return error(code, "response_format is not supported") if "response_format" in body else right(body)

    fake.always = picky
    assert label(made(group=2)) == WANTED
    # json_schema, json_object and none for the first group; the second is asked without at once.
    assert [body.get("response_format", {}).get("type") for body in fake.asked] == [
        "json_schema",
        "json_object",
        None,
        None,
    ]


def test_a_server_that_knows_other_names_is_asked_by_them(fake: Fake, made: Callable[..., Classifier]) -> None:
    def newer(body: dict[str, Any]) -> Reply:
        if "max_tokens" in body:
            return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return error(400, "'temperature' does not support 0 with this model.")
        return right(body)

    fake.always = newer
    assert label(made(most_tokens=100)) == WANTED
    assert fake.asked[-1]["max_completion_tokens"] == 100
    assert fake.asked[-1]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504, 529])
def test_a_busy_server_is_asked_again(
    fake: Fake, made: Callable[..., Classifier], slept: list[float], code: int
) -> None:
    fake.replies = [lambda _: error(code), lambda _: error(code)]
    assert label(made()) == WANTED
    assert slept == [1.0, 2.0]


@pytest.mark.parametrize(("after", "pause"), [("7", 7.0), ("0", 0.0), ("9999", 60.0), ("-3", 0.0), ("soon", 1.0)])
def test_it_waits_as_long_as_the_server_asks(
    fake: Fake, made: Callable[..., Classifier], slept: list[float], after: str, pause: float
) -> None:
    fake.replies = [lambda _: error(429, "slow down", **{"Retry-After": after})]
    assert label(made()) == WANTED
    assert slept == [pause]


def test_a_server_that_stays_busy_is_given_up_and_gone_on_with_later(
    fake: Fake, made: Callable[..., Classifier], slept: list[float]
) -> None:
    fake.replies = [right]
    fake.always = lambda _: error(500, "boom")
    with pytest.raises(Failure) as caught:
        label(made(group=2, tries=4))
    said = str(caught.value)
    assert said == (
        f"{fake.endpoint} answered 500: boom at the last of 4 tries; what was answered is kept, so run it again to go on from there."
    )
    assert slept == [1.0, 2.0, 4.0]
    fake.always, fake.asked = right, []
    assert label(made(group=2)) == WANTED
    assert fake.sentences == SENTENCES[2:]  # the first two were kept


BROKEN = {
    "no json": b"<html>gateway</html>",
    "no chat": {"id": "x"},
    "no choices": {"choices": []},
    "a list": [1, 2],
    "null": None,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_chat_is_tried_again(
    fake: Fake, made: Callable[..., Classifier], slept: list[float], name: str
) -> None:
    fake.replies = [lambda _: (200, {}, BROKEN[name])]
    assert label(made()) == WANTED
    assert slept == [1.0]
    fake.always = lambda _: (200, {}, BROKEN[name])
    with pytest.raises(Failure, match="answered something else than a chat at the last of 2 tries"):
        label(made(tries=2, kinds="x=-1*0.5"))


def changed(**change: Any) -> Callable[[dict[str, Any]], Reply]:
    """Answer rightly but for the first label."""

    def reply(body: dict[str, Any]) -> Reply:
        rows = labels(body)
        rows[0] |= change
        return 200, {}, chat(json.dumps({"labels": rows}))

    return reply


UNUSABLE: dict[str, Callable[[dict[str, Any]], Reply]] = {
    "no json": lambda _: (200, {}, chat("I think that it fell.")),
    "half of it": lambda _: (200, {}, chat('{"labels": [{"sentence": 1, "kind"')),
    "cut off": lambda body: (200, {}, chat(json.dumps({"labels": labels(body)})[:40], "length")),
    "refused": lambda _: (200, {}, chat(None, refusal="I cannot help with that.")),
    "filtered": lambda _: (200, {}, chat("", "content_filter")),
    "empty": lambda _: (200, {}, chat(None)),
    "no labels": lambda _: (200, {}, chat("{}")),
    "too few": lambda body: (200, {}, chat(json.dumps({"labels": labels(body)[1:]}))),
    "too many": lambda body: (200, {}, chat(json.dumps({"labels": [*labels(body), *labels(body)]}))),
    "another sentence": changed(sentence=99),
    "no number": changed(sentence="one"),
    "unknown kind": changed(kind="crash"),
    "a kind that is none": changed(kind=3),
    "stance": changed(kind="denial", stance=2),
    "confidence": changed(kind="denial", confidence=90),
    "a word for a number": changed(kind="denial", confidence="high"),
    "other assets": changed(kind="denial", assets=["TSLA"]),
    "labels of numbers": lambda _: (200, {}, chat('{"labels": [1, 2]}')),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_answer_of_no_use_is_asked_for_in_smaller_groups(
    fake: Fake, made: Callable[..., Classifier], slept: list[float], name: str
) -> None:
    fake.replies = [UNUSABLE[name]]
    assert label(made()) == WANTED
    assert len(fake.asked) == 3  # all four, then two and two
    assert slept == []


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_sentence_without_a_usable_answer_is_counted_and_asked_again_later(
    fake: Fake, made: Callable[..., Classifier], name: str
) -> None:
    def stubborn(body: dict[str, Any]) -> Reply:
        return UNUSABLE[name](body) if "Nvidia" in body["messages"][1]["content"] else right(body)

    fake.always = stubborn
    with pytest.warns(
        Note, match=r"toy/model 1 gave no usable answer for 1 of 4 sentences, which make no event; the first: "
    ):
        assert label(made()) == [None, *WANTED[1:]]
    fake.always, fake.asked = right, []
    assert label(made()) == WANTED
    assert fake.sentences == SENTENCES[:1]


def test_where_nothing_is_usable_it_fails(fake: Fake, made: Callable[..., Classifier]) -> None:
    fake.always = UNUSABLE["refused"]
    with pytest.raises(
        Failure, match=r"toy/model 1 gave no usable answer \(the model refuses to answer\); use another model"
    ):
        label(made())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (401, "set the environment variable TOCSIN_LLM_KEY to a key that it takes"),
        (403, "set the environment variable TOCSIN_LLM_KEY"),
        (404, "correct the endpoint (it ends before /chat/completions) or the model"),
        (302, "correct the endpoint"),
        (307, "correct the endpoint"),
        (413, "correct the settings of the reader"),
    ],
)
def test_what_a_server_refuses_is_said_once_and_without_the_key(
    fake: Fake, made: Callable[..., Classifier], monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    monkeypatch.setenv("TOCSIN_LLM_KEY", "secret-of-mine")
    fake.always = lambda _: error(code, "the key secret-of-mine\nis wrong", Location="http://127.0.0.1:9/v1")
    with pytest.raises(Fault) as caught:
        label(made(group=1, parallel=4))
    text = str(caught.value)
    assert said in text
    assert f"(it answered {code}: the key *** is wrong)" in text
    assert "secret" not in text
    assert "\n" not in text
    assert len(fake.asked) == 1


def test_the_key_is_never_kept_or_shown(
    fake: Fake, made: Callable[..., Classifier], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOCSIN_LLM_KEY", "secret-of-mine")
    reader = made()
    label(reader)
    assert b"secret-of-mine" not in (tmp_path / "kept.sqlite").read_bytes()
    assert "secret-of-mine" not in repr(reader)
    assert "secret" not in reader.label


def test_a_server_that_is_not_there_is_told_at_once(tmp_path: Path, slept: list[float]) -> None:
    reader = llm("m", "2024-06", endpoint="http://127.0.0.1:9/v1", cache=tmp_path / "k")
    with pytest.raises(
        Failure,
        match=r"http://127.0.0.1:9/v1 could not be reached \(.*refused.*\); start the server, or correct the endpoint",
    ):
        label(reader)
    assert slept == []


def test_an_answer_that_takes_too_long_is_asked_for_again(
    fake: Fake, made: Callable[..., Classifier], slept: list[float]
) -> None:
    release = threading.Event()

    def late(body: dict[str, Any]) -> Reply:
        release.wait(5)
        return right(body)

    fake.replies = [late]
    assert label(made(timeout=0.2)) == WANTED
    release.set()
    assert slept == [1.0]


# ------------------------------------------------------------------------------------------------ kept on disk


def test_nothing_is_asked_twice(fake: Fake, made: Callable[..., Classifier]) -> None:
    assert label(made()) == label(made()) == WANTED
    assert len(fake.asked) == 1
    # Another model, another prompt, another name beside the sentence are other questions.
    label(made(kinds="downgrade=-1*0.6"))
    assert len(fake.asked) == 2
    made().classify(SENTENCES[:1], [("NVDA", "AMD")], ["en"])
    assert len(fake.asked) == 3
    assert made().classify([SENTENCES[0]] * 5, [NAMES[0]] * 5, ["en"] * 5)["kind"] == ["panic_drop"] * 5
    assert len(fake.asked) == 3


def test_a_sentence_that_comes_twice_is_asked_about_once(fake: Fake, made: Callable[..., Classifier]) -> None:
    assert made().classify(SENTENCES[:1] * 3, NAMES[:1] * 3, ["en"] * 3)["kind"] == ["panic_drop"] * 3
    assert fake.sentences == SENTENCES[:1]


def test_a_guide_is_part_of_the_prompt(fake: Fake, made: Callable[..., Classifier], tmp_path: Path) -> None:
    (tmp_path / "guide.txt").write_text("downgrade: an analyst lowers his rating.")
    reader = made(guide=tmp_path / "guide.txt", kinds={"downgrade": (-1, 0.6)})
    label(reader)
    told = fake.asked[0]["messages"][0]["content"]
    assert "an analyst lowers his rating" in told
    assert "- downgrade: bad for the price" in told
    assert reader.label != made().label
    assert reader.label.startswith("llm/toy-model-1+")


def test_several_requests_are_under_way_at_once(fake: Fake, made: Callable[..., Classifier]) -> None:
    together = threading.Barrier(3, timeout=10)

    def waits(body: dict[str, Any]) -> Reply:
        together.wait()  # breaks unless three requests are there
        return right(body)

    fake.replies = [right, waits, waits, waits]
    assert label(made(group=1, parallel=3)) == WANTED


def test_it_keeps_to_the_rate(fake: Fake, made: Callable[..., Classifier], slept: list[float]) -> None:
    label(made(group=1, rate=60))
    # One request a second: the second waits for nearly one, the third for nearly two, as no pause is really made.
    assert [round(pause) for pause in slept] == [1, 2, 3]


def test_a_file_of_answers_that_is_none_is_refused(made: Callable[..., Classifier], tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("this is a letter, and no table of answers\n" * 100)
    with pytest.raises(Failure, match=r"cannot be kept in .*other.txt .*name another file by --set cache="):
        label(made(cache=tmp_path / "other.txt"))


# --------------------------------------------------------------------------------------------- settings, reading


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cutoff": None}, "cutoff must be the last day or month of what the model was trained on (got none)"),
        ({"cutoff": "last year"}, "cutoff must be a day or a month"),
        ({"model": ""}, "model must be what the server calls it"),
        ({"endpoint": "localhost:8000"}, "endpoint must be an address with http or https"),
        ({"endpoint": "ftp://x/v1"}, "endpoint must be an address"),
        ({"endpoint": "http://localhost:80x/v1"}, "endpoint must be an address"),
        ({"endpoint": "http://local host/v1"}, "endpoint must be an address"),
        ({"endpoint": "http:///v1"}, "endpoint must be an address"),
        ({"endpoint": 8000}, "endpoint must be an address"),
        ({"endpoint": "https://user:pass@x/v1"}, "without a key in it"),
        ({"key_env": "sk-123"}, "key_env must be the name of an environment variable"),
        ({"group": 0}, "group must be a whole number of at least 1 (got 0)"),
        ({"parallel": "many"}, "parallel must be a whole number"),
        ({"rate": "0"}, "rate must be a number above 0"),
        ({"timeout": -1}, "timeout must be a number above 0"),
        ({"tries": 1.5}, "tries must be a whole number"),
        ({"most_tokens": True}, "most_tokens must be a whole number"),
        ({"kinds": "downgrade"}, "kinds must be a name, a sign and a base strength"),
        ({"guide": "nowhere.txt"}, "guide must be a text file"),
    ],
)
def test_a_setting_that_is_wrong_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Fault) as caught:
        llm(**{"model": "m", "cutoff": "2024-06", **settings})
    assert said in str(caught.value)
    assert "pass" not in str(caught.value)


def documents(folder: Path) -> Path:
    times = ["2024-06-30T23:00:00Z", "2024-09-01T12:00:00Z"]
    pl.DataFrame({"text": SENTENCES[:2], "published": times}).write_csv(folder / "docs.csv")
    return folder / "docs.csv"


def test_what_is_older_than_the_cutoff_is_marked(made: Callable[..., Classifier], tmp_path: Path) -> None:
    frame = Events.from_documents(documents(tmp_path), reader=made()).frame
    assert frame.select("doc_id", "kind", "hindsight", "confidence", "stance").rows() == [
        ("docs#1", "panic_drop", True, 0.75, -0.5),
        ("docs#2", "denial", False, 0.75, -0.5),
    ]
    assert frame["labelled_at"].to_list() == [
        dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC),  # the end of June everywhere on earth
        dt.datetime(2024, 9, 1, 12, tzinfo=dt.UTC),
    ]


def test_an_estimate_counts_what_is_not_kept(fake: Fake, made: Callable[..., Classifier], tmp_path: Path) -> None:
    told = estimate(documents(tmp_path), reader=made(group=1))
    assert (told["documents"], told["sentences"], told["kept_already"], told["requests"]) == (2, 2, 0, 2)
    # Four Latin letters a token, and 20 around each sentence: 25 letters are 7, 23 are 6; what it is told first comes each time.
    first = -(-len(instructions({})) // 4)
    assert told["input_tokens_about"] == 2 * first + 7 + 20 + 6 + 20
    assert estimate(documents(tmp_path), reader=made(group=2))["input_tokens_about"] == first + 53
    assert told["output_tokens_about"] == 90
    assert fake.asked == []
    read_documents(documents(tmp_path), reader=made(group=1))
    told = estimate(documents(tmp_path), reader=made(group=1))
    assert (told["kept_already"], told["requests"], told["input_tokens_about"]) == (2, 0, 0)


def test_the_command_reads_estimates_and_explains(
    fake: Fake, tmp_path: Path, slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "events.parquet"
    given = [
        "read", str(documents(tmp_path)), "--reader", "llm", "--set", "model=m", "--set", f"endpoint={fake.endpoint}",
        "--set", f"cache={tmp_path / 'kept'}",
    ]  # fmt: skip
    assert main([*given, "--estimate"]) == 2
    assert "cutoff must be the last day or month" in capsys.readouterr().err
    given += ["--set", "cutoff=2024-06"]
    assert main([*given, "--estimate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["requests"] == 1
    assert main([*given, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "1 event of a time that the model was trained on, marked hindsight" in shown
    assert Events.read(out).frame["hindsight"].to_list() == [True, False]
    assert main([*given, "--explain", Events.read(out).frame["event_id"][0]]) == 0
    assert "hindsight" in capsys.readouterr().out
    assert len(fake.asked) == 1
    assert main(["read", str(documents(tmp_path)), "--reader", "llm", "--out", str(out)]) == 2
    assert "got none for model" in capsys.readouterr().err
    assert main([*given, "--set", "key=sk-1", "--out", str(out)]) == 2
    assert "has no setting 'key'" in capsys.readouterr().err


def test_answers_are_checked_one_by_one() -> None:
    asked = [Question("a", ("NVDA", "AMD"), "en")]
    (one,) = answers('{"labels": [{"sentence": 1, "kind": "denial"}]}', asked, ["denial"])
    assert one == ("denial", None, None, ("NVDA", "AMD"))
    (one,) = answers('{"labels": [{"sentence": 1, "kind": "denial", "assets": ["AMD", "AMD"]}]}', asked, ["denial"])
    assert one.assets == ("AMD",)


def test_after_a_kill_it_goes_on_where_it_was(fake: Fake, tmp_path: Path) -> None:
    held = threading.Event()

    def holds(body: dict[str, Any]) -> Reply:
        held.set()
        threading.Event().wait(20)
        return right(body)

    times = ["2024-09-01T12:00:00Z"] * 4
    pl.DataFrame({"text": SENTENCES, "published": times}).write_csv(tmp_path / "docs.csv")
    out = tmp_path / "events.parquet"
    given = ["read", str(tmp_path / "docs.csv"), "--reader", "llm", "--out", str(out)]
    for name, value in {
        "model": "m",
        "cutoff": "2024-06",
        "endpoint": fake.endpoint,
        "cache": tmp_path / "kept",
        "group": 2,
    }.items():
        given += ["--set", f"{name}={value}"]
    fake.replies = [right, holds]
    program = "import sys; from engine.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *given], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert held.wait(120)
    process.kill()
    process.wait()
    assert not out.exists()
    fake.asked = []
    assert main(given) == 0
    assert fake.sentences == SENTENCES[2:]
    assert Events.read(out).kinds == ("denial", "panic_drop", "project_delay")


@pytest.mark.parametrize(
    "text",
    [
        '[{"sentence": 1, "kind": "denial", "stance": 0.5, "confidence": 0.75, "assets": ["AMD"]}]',
        '{"labels": [{"sentence": "1", "kind": "Denial ", "stance": "0.5", "confidence": "0.75", "assets": ["AMD"]}]}',
        '{"labels": [{"sentence": 1, "kind": "denial", "stance": 0.5, "confidence": 0.75, "assets": ["AMD"], "why": "it is"}]}',
        'Here: [{"sentence": 1, "kind": "denial", "stance": 0.5, "confidence": 0.75, "assets": ["AMD"]}] - done.',
    ],
)
def test_an_answer_that_is_plain_enough_is_taken(text: str) -> None:
    (one,) = answers(text, [Question("a", ("NVDA", "AMD"), "en")], ["denial"])
    assert one == ("denial", 0.5, 0.75, ("AMD",))


def test_a_key_that_no_header_can_hold_is_told(
    made: Callable[..., Classifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_LLM_KEY", "clé")
    with pytest.raises(Fault, match="The key in TOCSIN_LLM_KEY must be plain letters"):
        label(made())


def test_an_answer_may_come_in_parts(fake: Fake, made: Callable[..., Classifier]) -> None:
    def parts(body: dict[str, Any]) -> Reply:
        text = json.dumps({"labels": labels(body)})
        return 200, {}, chat([{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}])

    fake.always = parts
    assert label(made()) == WANTED
    assert len(fake.asked) == 1
