"""The page on the lab's network: TLS or a trusted proxy, a login or a token, viewers and operators."""

from __future__ import annotations

import ssl
import subprocess

import pytest

from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.page import Level, Page, User
from filmscand.daemon.web.doors.passwords import hash_password, make_token
from support.page_site import served

PASSWORD = "correct horse"
HOST = "station.lab.example.org"
PROXIED = {"Host": HOST, "X_Forwarded_Proto": "https", "X_Forwarded_For": "192.168.1.7"}


@pytest.fixture(scope="module")
def secrets():
    return {"password": hash_password(PASSWORD), "token": make_token()}


@pytest.fixture(scope="module")
def users(secrets):
    return (
        User(name="ada", password=secrets["password"], role=Level.OPERATOR),
        User(name="victor", password=secrets["password"], role=Level.VIEWER),
        User(name="prometheus", token=secrets["token"][1]),
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *names]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def tls_page(connection, station, users, certificate):
    page = Page(address="0.0.0.0", port=0, hosts=(HOST,), certificate=certificate[0], key=certificate[1], users=users)
    trust = ssl.create_default_context(cafile=certificate[0])
    with served(station.model_copy(update={"page": page}), trust) as site:
        yield site


@pytest.fixture
def proxied_page(connection, station, users):
    page = Page(port=0, hosts=(HOST,), trusted_proxy="127.0.0.1", users=users)
    with served(station.model_copy(update={"page": page})) as site:
        yield site


def log_in(page, name="ada", password=PASSWORD, **headers):
    return page.post("/api/login", {"name": name, "password": password}, **{"Host": HOST, **headers})


def cookie_of(answer):
    return answer.headers["set-cookie"].partition(";")[0]


def test_without_a_login_there_is_no_page_and_no_answer(tls_page):
    answer = tls_page.get("/rolls", Host=HOST)
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=/rolls")
    for path in (
        "/api/status",
        "/api/who",
        "/metrics",
        "/healthz",
        "/api/events",
        "/api/openapi.json",
        "/iiif/a%2Fb%2Fc_0001",
    ):
        assert tls_page.get(path, Host=HOST).status == 401, path
    for cookie in ("filmscand=", "filmscand=guess", "other=1", "\x01"):
        assert tls_page.get("/api/status", Host=HOST, Cookie=cookie).status == 401, cookie
    assert tls_page.post("/api/sessions/1/pause", Host=HOST).status == 401
    login = tls_page.get("/login", Host=HOST)
    assert (login.status, "New session" in login.text, "Station /" in login.text) == (200, False, False)
    assert tls_page.get("/static/page.css", Host=HOST).status == 200


def test_an_operator_logs_in_over_tls_and_out_again(tls_page):
    answer = log_in(tls_page)
    assert (answer.status, answer.json) == (200, {"name": "ada", "role": "operator"})
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert flags >= {"httponly", "samesite=strict", "secure", "path=/"}
    cookie = {"Host": HOST, "Cookie": cookie_of(answer)}
    assert tls_page.get("/api/who", **cookie).json == {"name": "ada", "role": "operator"}
    assert "Log out" in tls_page.get("/", **cookie).text
    # Past the guard: there is no such session.
    assert tls_page.post("/api/sessions/7/pause", **cookie).status == 404
    assert tls_page.post("/api/logout", **cookie).status == 204
    assert tls_page.get("/api/who", **cookie).status == 401


def test_a_viewer_sees_everything_and_changes_nothing(tls_page):
    cookie = {"Host": HOST, "Cookie": cookie_of(log_in(tls_page, "victor"))}
    assert tls_page.get("/api/status", **cookie).status == 200
    page = tls_page.get("/", **cookie)
    assert (page.status, "New session" in page.text) == (200, False)
    for path in ("/api/sessions", "/api/sessions/1/pause", "/api/reclean", "/api/rolls/a/b/c/seal"):
        answer = tls_page.post(path, **cookie)
        assert (answer.status, answer.text) == (
            403,
            "this changes something, and needs the role operator; victor is a viewer\n",
        )


def test_a_program_shows_its_token(tls_page, secrets):
    token = secrets["token"][0]
    assert tls_page.get("/metrics", Host=HOST, Authorization=f"Bearer {token}").status == 200
    assert tls_page.get("/metrics", Host=HOST, Authorization=f"Bearer {token}x").status == 401
    assert tls_page.get("/metrics", Host=HOST, Authorization=f"Basic {token}").status == 401
    # The hash that the configuration holds is of no use.
    assert tls_page.get("/metrics", Host=HOST, Authorization=f"Bearer {secrets['token'][1]}").status == 401


def test_guessing_passwords_is_slowed_down(tls_page):
    answers = [log_in(tls_page, password=f"guess number {count}") for count in range(7)]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert log_in(tls_page).status == 429


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", f"{HOST}.evil.example"])
def test_only_the_names_of_the_configuration_are_answered(tls_page, host):
    assert tls_page.get("/login", Host=host).status == 421
    assert log_in(tls_page, Host=host).status == 421


def test_the_own_origin_is_the_one_of_tls(tls_page):
    cookie = {"Host": HOST, "Cookie": cookie_of(log_in(tls_page))}
    for origin, status in ((f"https://{HOST}", 404), (f"http://{HOST}", 403), ("https://evil.example", 403)):
        assert tls_page.post("/api/sessions/7/pause", Origin=origin, **cookie).status == status, origin


def test_plain_http_gets_nothing_from_a_page_with_tls(tls_page):
    answer = tls_page.send(f"GET /login HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert b"filmscand" not in answer


def test_no_proxy_is_believed_that_is_not_named(tls_page):
    assert tls_page.get("/login", Host=HOST, X_Forwarded_For="10.0.0.1").status == 403
    assert tls_page.get("/login", Host=HOST, Forwarded="for=10.0.0.1").status == 403


def test_a_page_on_loopback_refuses_what_a_proxy_passes_on_until_it_is_named(page):
    answer = page.get("/api/status", X_Forwarded_For="192.168.1.7")
    assert (answer.status, "page.trusted_proxy" in answer.text) == (403, True)
    assert page.post("/api/sessions/1/pause", X_Real_IP="192.168.1.7").status == 403


def test_behind_the_trusted_proxy_visitors_log_in_and_each_machine_is_slowed_by_itself(proxied_page):
    assert proxied_page.get("/", **PROXIED).status == 303
    answer = log_in(proxied_page, **PROXIED)
    assert "secure" in answer.headers["set-cookie"].lower()
    cookie = {**PROXIED, "Cookie": cookie_of(answer), "Origin": f"https://{HOST}"}
    assert proxied_page.post("/api/sessions/7/pause", **cookie).status == 404
    guesser = {**PROXIED, "X_Forwarded_For": "192.168.1.7, 192.168.1.66"}
    assert [log_in(proxied_page, password="a wrong guess", **guesser).status for _ in range(6)][-1] == 429
    # What the visitor itself wrote into the header does not help, nor does it hurt the one that it names.
    forged = {**PROXIED, "X_Forwarded_For": "10.9.8.7, 192.168.1.66"}
    assert log_in(proxied_page, **forged).status == 429
    assert log_in(proxied_page, **PROXIED).status == 200


def test_who_goes_round_the_proxy_is_refused_and_its_headers_are_nobodys(connection, station, users):
    page = Page(port=0, hosts=(HOST,), trusted_proxy="10.1.2.3", users=users)
    with served(station.model_copy(update={"page": page})) as site:
        answer = site.get("/login", **PROXIED)
        assert (answer.status, answer.text) == (403, "this page is reached through its proxy only\n")


def test_users_may_be_asked_for_on_loopback_too(connection, station, users):
    with served(station.model_copy(update={"page": Page(port=0, users=users)})) as site:
        assert site.get("/api/status").status == 401
        answer = site.post("/api/login", {"name": "ada", "password": PASSWORD})
        assert answer.status == 200
        assert "secure" not in answer.headers["set-cookie"].lower()


def test_where_nobody_has_to_log_in_there_is_no_login(page):
    assert page.post("/api/login", {"name": "ada", "password": PASSWORD}).status == 404
    assert page.get("/api/who").json == {"name": None, "role": "operator"}


def test_a_certificate_that_is_gone_is_told_and_the_local_socket_goes_on(connection, station, users, tmp_path):
    from filmscand.daemon.maintenance.desk.at_service import ServiceDesk
    from filmscand.daemon.maintenance.desk.desk import desk_of
    from filmscand.daemon.web.server import PageServer
    from support.page_site import QUICK, no_bell
    from support.scanner_station import wait_until

    files = {"certificate": tmp_path / "gone.pem", "key": tmp_path / "gone.key"}
    page = Page(address="0.0.0.0", port=0, hosts=(HOST,), users=users, **files)
    broken = station.model_copy(update={"page": page})
    server = PageServer(broken, QUICK, no_bell)
    server.start()
    try:
        assert wait_until(lambda: server.problem)
        assert f"its certificate {tmp_path}/gone.pem or key" in server.problem
        assert wait_until(lambda: isinstance(desk_of(broken), ServiceDesk))
        assert desk_of(broken).status().sessions == ()
    finally:
        assert server.stop()


def test_the_documented_default_needs_no_login(tmp_path):
    assert not Station(root=tmp_path).page.needs_login


IMAGE = "/iiif/museum%2Fbox-1%2Froll-a_0001"
VIEWER = {**PROXIED, "Origin": "https://viewer.example"}


def test_with_a_token_a_viewer_of_another_site_reads_pictures(proxied_page, frames, secrets):
    asked = proxied_page.request(
        "OPTIONS",
        f"{IMAGE}/info.json",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="authorization",
        **VIEWER,
    )
    assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, "*")
    assert asked.headers["access-control-allow-headers"] == "Authorization"
    for path in ("info.json", "full/max/0/default.jpg"):
        answer = proxied_page.get(f"{IMAGE}/{path}", Authorization=f"Bearer {secrets['token'][0]}", **VIEWER)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*"), path
        # Never with cookies: a browser sends them by itself.
        assert "access-control-allow-credentials" not in answer.headers
    information = proxied_page.get(f"{IMAGE}/info.json", Authorization=f"Bearer {secrets['token'][0]}", **PROXIED)
    assert information.json["id"] == f"https://{HOST}{IMAGE}"


def test_without_a_token_there_is_no_picture_and_nothing_else_is_shared(proxied_page, frames, secrets):
    for path in ("", "/info.json", "/full/max/0/default.jpg"):
        assert proxied_page.get(f"{IMAGE}{path}", **VIEWER).status == 401, path
    token = {"Authorization": f"Bearer {secrets['token'][0]}"}
    assert "access-control-allow-origin" not in proxied_page.get("/api/status", **token, **VIEWER).headers
    for path, method in (("/api/status", "GET"), ("/", "GET"), (f"{IMAGE}/info.json", "POST")):
        asked = proxied_page.request("OPTIONS", path, Access_Control_Request_Method=method, **VIEWER)
        assert (asked.status, "access-control-allow-origin" in asked.headers) == (403, path.startswith("/iiif")), path
