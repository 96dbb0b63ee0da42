from pathlib import Path

import pytest

from builders import WebPlant
from lineside.core.errors import LinesideError
from lineside.web import monitor_files
from lineside.web.monitor_files import load_monitor_files

SECRET = "the password of the plant"  # noqa: S105
HASHED = "assets/index-BxY3_k9Z.js"


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    root = tmp_path / "static"
    (root / "assets").mkdir(parents=True)
    (root / "docs").mkdir()
    (root / "index.html").write_text("<!doctype html><title>Lineside</title>", encoding="utf-8")
    (root / HASHED).write_text("export const line = 1;\n" * 100, encoding="utf-8")
    (root / "assets" / "font-A1b2C3d4.woff2").write_bytes(bytes(5000))
    (root / "favicon.svg").write_text("<svg/>", encoding="utf-8")
    (root / "docs" / "swagger-ui.css").write_text("body{}", encoding="utf-8")
    (root / ".vite").mkdir()
    (root / ".vite" / "manifest.json").write_text(SECRET, encoding="utf-8")
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    return root


async def test_page_is_at_the_root_and_asks_for_news_each_time(static_dir: Path) -> None:
    plant = WebPlant(static_dir=static_dir)
    page = await plant.ask("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    again = await plant.ask("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "media_type", "is_immutable"),
    [
        (HASHED, "text/javascript; charset=utf-8", True),
        ("assets/font-A1b2C3d4.woff2", "font/woff2", True),
        ("favicon.svg", "image/svg+xml", False),
        ("docs/swagger-ui.css", "text/css; charset=utf-8", False),
    ],
)
async def test_only_files_with_a_hash_in_their_name_are_kept_for_ever(
    static_dir: Path, path: str, media_type: str, is_immutable: bool
) -> None:
    answer = await WebPlant(static_dir=static_dir).ask(f"/{path}")
    assert answer.status_code == 200
    assert answer.content == (static_dir / path).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert ("immutable" in answer.headers["cache-control"]) == is_immutable


async def test_text_travels_compressed_to_those_who_accept_it(static_dir: Path) -> None:
    plant = WebPlant(static_dir=static_dir)
    plain = await plant.ask(f"/{HASHED}", headers={"Accept-Encoding": "identity"})
    packed = await plant.ask(f"/{HASHED}", headers={"Accept-Encoding": "gzip, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert packed.content == plain.content  # the client has unpacked it
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/file:%2f%2f%2fetc/passwd",
        "/%00",
        "/index.html%00.js",
        "/%ff%fe",
        "/link.txt",
        "/.vite/manifest.json",
        "/assets",
        "/assets/",
        "/index.html/",
        "/INDEX.HTML",
        "/" + "a" * 5000,
    ],
)
async def test_nothing_but_the_files_of_the_build_can_be_reached(
    static_dir: Path, path: str
) -> None:
    answer = await WebPlant(static_dir=static_dir).ask(path)
    assert answer.status_code == 404
    assert SECRET not in answer.text
    assert "root:" not in answer.text


async def test_person_gets_a_page_and_a_program_a_problem_where_nothing_is(
    static_dir: Path,
) -> None:
    plant = WebPlant(static_dir=static_dir)
    page = await plant.ask("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    problem = await plant.ask("/api/nothing")
    assert problem.status_code == 404
    assert problem.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("exists", [True, False])
async def test_missing_monitor_says_how_to_build_it_and_the_data_is_served(
    tmp_path: Path, exists: bool
) -> None:
    directory = tmp_path / "static"
    if exists:
        directory.mkdir()
    plant = WebPlant.ticking(static_dir=directory)
    page = await plant.ask("/")
    assert page.status_code == 503
    assert "make setup" in page.text
    assert (await plant.ask("/healthz")).json()["build"] == "unbuilt"
    assert (await plant.ask("/api/equipment")).status_code == 200


async def test_build_changes_with_any_file_and_with_nothing_else(static_dir: Path) -> None:
    before = load_monitor_files(static_dir).build
    (static_dir / ".vite" / "manifest.json").write_text("{}", encoding="utf-8")
    assert load_monitor_files(static_dir).build == before
    (static_dir / "favicon.svg").write_text("<svg></svg>", encoding="utf-8")
    after = load_monitor_files(static_dir).build
    assert after != before
    health = await WebPlant(static_dir=static_dir).ask("/healthz")
    assert health.json()["build"] == after


async def test_page_stays_whole_while_an_upgrade_replaces_files(static_dir: Path) -> None:
    plant = WebPlant(static_dir=static_dir)
    before = await plant.ask(f"/{HASHED}")
    (static_dir / HASHED).unlink()
    (static_dir / "index.html").write_text("new", encoding="utf-8")
    assert (await plant.ask(f"/{HASHED}")).content == before.content
    assert "Lineside" in (await plant.ask("/")).text


def test_directory_that_is_no_monitor_is_refused(
    static_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_files, "STATIC_MAX_BYTES", 1000)
    with pytest.raises(LinesideError, match="larger than"):
        load_monitor_files(static_dir)
