"""Log-in by password, the life of a session, and what slows guessing down."""

from __future__ import annotations

import asyncio
import http.cookies

import httpx2
import pytest
from sqlalchemy import text, update

from app.auth.service import set_password
from app.context import Context
from app.demo.town import Town
from app.models import User
from tests.app.auth.conftest import ClientAt
from tests.app.conftest import ORIGIN, Client
from tests.builders.administration import said
from tests.builders.principals import add_person, session_headers
from tests.builders.towns import PASSWORD, DrivenClock, cookie_of
from tests.builders.waiting import made_to_wait

COOKIE = "parapheur_session"


async def log_in(
    client: Client, login: str, password: str = PASSWORD, **headers: str
) -> httpx2.Response:
    return await client.post(
        "/session", json={"login": login, "password": password}, headers=headers
    )


async def is_known(client: Client, value: str) -> bool:
    answer = await client.get("/session", headers={"Cookie": f"{COOKIE}={value}"})
    return answer.status_code == 200


def cookie_set(answer: httpx2.Response) -> http.cookies.Morsel[str]:
    return http.cookies.SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]


class TestLogIn:
    async def test_a_person_signs_in_with_his_password(self, anonymous: Client, town: Town) -> None:
        """The one test that pays for argon2."""
        opened = await log_in(anonymous, town.logins["maire"])
        assert opened.status_code == 204
        read = await anonymous.get(
            "/session", headers={"Cookie": f"{COOKIE}={cookie_set(opened).value}"}
        )
        assert read.json()["user_id"] == str(town.users["maire"])

    async def test_threat_43_an_unknown_account_is_answered_as_a_wrong_password(
        self, anonymous: Client, town: Town
    ) -> None:
        unknown = await log_in(anonymous, "personne@saint-exemple.test", "un mot de passe")
        wrong = await log_in(anonymous, town.logins["maire"], "un mot de passe")
        assert (unknown.status_code, unknown.content) == (wrong.status_code, wrong.content)
        assert wrong.json()["code"] == "bad_credentials"

    async def test_threat_43_an_account_that_is_closed_is_answered_the_same(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                update(User).where(User.id == town.users["maire"]).values(is_active=False)
            )
        answer = await log_in(browser, town.logins["maire"])
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")

    async def test_an_account_without_password_opens_to_nobody(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                update(User).where(User.id == town.users["maire"]).values(password_hash=None)
            )
        assert (await log_in(browser, town.logins["maire"])).status_code == 401

    async def test_a_login_is_read_without_case_nor_blanks(
        self, browser: Client, town: Town
    ) -> None:
        answer = await log_in(browser, f"  {town.logins['maire'].upper()} ")
        assert answer.status_code == 204

    async def test_the_password_is_told_nowhere(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        refused = await browser.post(
            "/session", json={"login": "x", "password": {"secret": PASSWORD}}
        )
        assert (refused.status_code, PASSWORD in refused.text) == (422, False)


class TestCookie:
    async def test_threat_43_scripts_and_other_sites_do_not_have_it(
        self, browser: Client, town: Town
    ) -> None:
        cookie = cookie_set(await log_in(browser, town.logins["maire"]))
        flags = {"httponly": True, "samesite": "lax", "path": "/", "domain": ""}
        assert {name: cookie[name] for name in flags} == flags

    @pytest.mark.parametrize(
        ("origin", "is_secure"), [("https://parapheur.test", True), (ORIGIN, False)]
    )
    async def test_it_travels_over_tls_only_where_the_service_has_it(
        self, context: Context, browser: Client, town: Town, origin: str, *, is_secure: bool
    ) -> None:
        context.settings.server.origin = origin
        cookie = cookie_set(await log_in(browser, town.logins["maire"]))
        assert bool(cookie["secure"]) is is_secure

    async def test_it_ends_with_the_session(
        self, context: Context, clock: DrivenClock, browser: Client, town: Town
    ) -> None:
        cookie = cookie_set(await log_in(browser, town.logins["maire"]))
        async with context.unit(town.tenant_id) as session:
            expires_at = await session.scalar(
                text("SELECT expires_at FROM login_sessions WHERE user_id = :user"),
                {"user": town.users["maire"]},
            )
        assert cookie["expires"] == expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT")

    async def test_threat_43_its_value_is_kept_nowhere(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        value = cookie_set(await log_in(browser, town.logins["maire"])).value
        async with context.unit(town.tenant_id) as session:
            kept = await session.scalar(
                text(
                    "SELECT string_agg(h::text, ' ') || string_agg(s::text, ' ')"
                    " FROM login_handles h JOIN login_sessions s ON s.id = h.principal_id"
                )
            )
        assert kept
        assert value not in kept


class TestRotation:
    async def test_threat_43_a_cookie_presented_at_log_in_is_not_adopted(
        self, browser: Client, town: Town
    ) -> None:
        fixed = "f" * 43
        answer = await log_in(browser, town.logins["maire"], Cookie=f"{COOKIE}={fixed}")
        assert cookie_set(answer).value != fixed
        assert not await is_known(browser, fixed)

    async def test_threat_43_every_log_in_makes_another_session(
        self, browser: Client, town: Town
    ) -> None:
        first = cookie_set(await log_in(browser, town.logins["maire"])).value
        browser.cookies.clear()
        second = cookie_set(
            await log_in(browser, town.logins["maire"], Cookie=f"{COOKIE}={first}")
        ).value
        assert first != second


class TestEnd:
    async def test_threat_43_logging_out_revokes_on_the_server(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        value = await cookie_of(context, town, "maire")
        answer = await browser.delete("/session", headers={"Cookie": f"{COOKIE}={value}"})
        assert answer.status_code == 204
        assert not await is_known(browser, value)

    async def test_logging_out_drops_the_cookie(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        answer = await browser.delete(
            "/session", headers=await session_headers(context, town, "maire")
        )
        assert cookie_set(answer)["max-age"] == "0"

    async def test_logging_out_leaves_the_other_sessions(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        kept = await cookie_of(context, town, "maire")
        await browser.delete("/session", headers=await session_headers(context, town, "maire"))
        assert await is_known(browser, kept)

    async def test_a_session_left_alone_half_an_hour_is_over(
        self, context: Context, clock: DrivenClock, browser: Client, town: Town
    ) -> None:
        value = await cookie_of(context, town, "maire")
        clock.advance(minutes=30)
        assert not await is_known(browser, value)

    async def test_a_session_that_is_used_goes_on(
        self, clock: DrivenClock, browser: Client, town: Town
    ) -> None:
        value = cookie_set(await log_in(browser, town.logins["maire"])).value
        seen = []
        for _ in range(4):
            clock.advance(minutes=20)
            seen.append(await is_known(browser, value))
        assert seen == [True] * 4

    async def test_a_session_used_all_day_ends_after_twelve_hours(
        self, clock: DrivenClock, browser: Client, town: Town
    ) -> None:
        value = cookie_set(await log_in(browser, town.logins["maire"])).value
        for _ in range(12 * 3 - 1):
            clock.advance(minutes=20)
            assert await is_known(browser, value)
        clock.advance(minutes=20)
        assert not await is_known(browser, value)

    async def test_threat_43_closing_the_account_closes_its_sessions(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        value = await cookie_of(context, town, "maire")
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                update(User).where(User.id == town.users["maire"]).values(is_active=False)
            )
        assert not await is_known(browser, value)

    async def test_threat_43_a_password_given_meanwhile_refuses_the_one_that_was_just_compared(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        credentials = {"login": town.logins["maire"], "password": PASSWORD}
        async with context.unit(town.tenant_id) as session:
            user = await session.get_one(User, town.users["maire"])
            await set_password(session, user, "$another$", now=context.clock())
            asked = await made_to_wait(context, browser, ("POST", "/session", credentials))
        assert said(await asked) == (401, "bad_credentials")

    async def test_threat_34_a_role_taken_away_counts_from_the_next_request(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        before = await browser.get("/users", headers=who)
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                update(User).where(User.id == town.users["administrateur"]).values(roles=[])
            )
        after = await browser.get("/users", headers=who)
        assert (before.status_code, after.status_code) == (200, 403)


class TestSlowing:
    async def fail(self, client: Client, login: str, times: int) -> list[int]:
        return [(await log_in(client, login, "faux")).status_code for _ in range(times)]

    async def test_threat_43_an_account_is_slowed_wherever_the_guesses_come_from(
        self, client_at: ClientAt, town: Town
    ) -> None:
        for last in range(5):
            await self.fail(client_at(f"198.51.100.{last}"), town.logins["maire"], 1)
        answer = await log_in(client_at("198.51.100.99"), town.logins["maire"])
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")

    async def test_threat_43_an_address_is_slowed_whatever_accounts_it_tries(
        self, client_at: ClientAt, town: Town
    ) -> None:
        client = client_at("198.51.100.1")
        for number in range(5):
            await self.fail(client, f"personne-{number}@saint-exemple.test", 1)
        answer = await log_in(client, town.logins["maire"])
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")

    async def test_threat_43_another_account_at_another_address_is_not(
        self, client_at: ClientAt, town: Town
    ) -> None:
        await self.fail(client_at("198.51.100.1"), town.logins["maire"], 6)
        answer = await log_in(client_at("198.51.100.2"), town.logins["finances"])
        assert answer.status_code == 204

    async def test_threat_43_being_slowed_is_said_alike_of_an_account_that_is_not(
        self, client_at: ClientAt, town: Town
    ) -> None:
        known, unknown = client_at("198.51.100.1"), client_at("198.51.100.2")
        assert await self.fail(known, town.logins["maire"], 7) == await self.fail(
            unknown, "personne@saint-exemple.test", 7
        )

    async def test_a_quarter_of_an_hour_later_the_account_opens(
        self, client_at: ClientAt, clock: DrivenClock, town: Town
    ) -> None:
        client = client_at("198.51.100.1")
        await self.fail(client, town.logins["maire"], 6)
        clock.advance(minutes=16)
        assert (await log_in(client, town.logins["maire"])).status_code == 204

    async def test_signing_in_forgets_the_failures_of_the_account(
        self, client_at: ClientAt, town: Town
    ) -> None:
        for number in range(3):
            client = client_at(f"198.51.100.{number}")
            assert await self.fail(client, town.logins["maire"], 2) == [401, 401]
            assert (await log_in(client, town.logins["maire"])).status_code == 204

    async def test_threat_43_guesses_sent_together_are_counted_like_the_others(
        self, client_at: ClientAt, town: Town
    ) -> None:
        client = client_at("198.51.100.1")
        await asyncio.gather(*(log_in(client, town.logins["maire"], "faux") for _ in range(12)))
        assert (await log_in(client, town.logins["maire"])).status_code == 429

    async def test_threat_43_no_text_of_the_guess_is_kept(
        self, context: Context, client_at: ClientAt
    ) -> None:
        await self.fail(client_at("198.51.100.77"), "personne@saint-exemple.test", 1)
        async with context.unit() as session:
            kept = await session.scalar(
                text("SELECT string_agg(a::text, ' ') FROM login_attempts a")
            )
        assert ("personne" in kept, "198.51" in kept) == (False, False)


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://ailleurs.test"},
            {"Origin": "null"},
            {"Origin": f"{ORIGIN}.ailleurs.test"},
            {"Origin": ORIGIN.replace("http:", "https:")},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        ],
        ids=str,
    )
    async def test_threat_27_another_site_changes_nothing(
        self, context: Context, browser: Client, town: Town, headers: dict[str, str]
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        answer = await browser.post("/desks", json={"name": "Bureau"}, headers={**who, **headers})
        assert (answer.status_code, answer.json()["code"]) == (403, "other_origin")

    @pytest.mark.parametrize("headers", [{"Origin": "https://ailleurs.test"}, {"Origin": "null"}])
    async def test_threat_27_another_site_signs_nobody_in(
        self, browser: Client, town: Town, headers: dict[str, str]
    ) -> None:
        answer = await log_in(browser, town.logins["maire"], **headers)
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False)

    @pytest.mark.parametrize(
        "headers",
        [{}, {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
        ids=str,
    )
    async def test_threat_27_our_own_pages_do(
        self, context: Context, browser: Client, town: Town, headers: dict[str, str]
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        answer = await browser.post("/desks", json={"name": "Bureau"}, headers={**who, **headers})
        assert answer.status_code == 201

    async def test_threat_27_a_form_of_another_site_is_not_json(
        self, browser: Client, town: Town
    ) -> None:
        body = f'{{"login": "{town.logins["maire"]}", "password": "{PASSWORD}"}}'
        answer = await browser.post(
            "/session", content=body, headers={"Content-Type": "text/plain"}
        )
        assert answer.status_code == 422


class TestHeadersOfProxies:
    HEADERS = (
        {"X-SSL-Client-Cert": "-----BEGIN CERTIFICATE-----"},
        {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN=Camille Exemple"},
        {"X-Forwarded-User": "maire", "X-Remote-User": "maire", "Remote-User": "maire"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
    )

    @pytest.mark.parametrize("headers", HEADERS, ids=lambda one: next(iter(one)))
    async def test_threat_24_they_identify_nobody(
        self, browser: Client, headers: dict[str, str]
    ) -> None:
        answer = await browser.get("/session", headers=headers)
        assert answer.status_code == 401

    async def test_threat_24_they_do_not_change_who_is_behind_a_session(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        who = await session_headers(context, town, "finances")
        for headers in self.HEADERS:
            who |= headers
        answer = await browser.get("/session", headers=who)
        assert answer.json()["user_id"] == str(town.users["finances"])

    async def test_threat_24_they_do_not_give_guesses_another_address(
        self, client_at: ClientAt, town: Town
    ) -> None:
        client = client_at("198.51.100.1")
        for number in range(5):
            await log_in(
                client,
                f"personne-{number}@x.test",
                "faux",
                **{"X-Forwarded-For": f"192.0.2.{number}"},
            )
        answer = await log_in(client, town.logins["maire"], **{"X-Forwarded-For": "192.0.2.99"})
        assert answer.status_code == 429

    async def test_threat_24_they_do_not_change_the_origin_that_is_accepted(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        forged = {
            "Origin": "https://ailleurs.test",
            "Host": "ailleurs.test",
            "X-Forwarded-Host": "ailleurs.test",
            "X-Forwarded-Proto": "https",
        }
        answer = await browser.post("/desks", json={"name": "Bureau"}, headers={**who, **forged})
        assert answer.status_code == 403


async def test_a_person_is_told_his_desks_and_rights(
    context: Context, browser: Client, town: Town
) -> None:
    await add_person(context, town, "simple")
    read = await browser.get("/session", headers=await session_headers(context, town, "simple"))
    assert (read.json()["desk_ids"], "user_admin" in read.json()["permissions"]) == ([], False)


class TestOwnPassword:
    NEW = "une phrase nouvelle et longue"

    async def change(
        self, client: Client, value: str, *, current: str = PASSWORD, new: str = NEW
    ) -> httpx2.Response:
        return await client.put(
            "/session/password",
            json={"current": current, "new": new},
            headers={
                "Cookie": f"{COOKIE}={value}",
                "Origin": ORIGIN,
                "Idempotency-Key": f"{current}/{new}".encode().hex(),
            },
        )

    async def test_threat_43_ends_the_other_sessions_and_keeps_this_one(
        self, context: Context, anonymous: Client, town: Town
    ) -> None:
        own, other = [await cookie_of(context, town, "maire") for _ in range(2)]
        changed = await self.change(anonymous, own)
        assert changed.status_code == 204, changed.text
        assert [await is_known(anonymous, one) for one in (own, other)] == [True, False]
        old = await log_in(anonymous, town.logins["maire"])
        new = await log_in(anonymous, town.logins["maire"], self.NEW)
        assert (old.status_code, new.status_code) == (401, 204)

    async def test_threat_43_the_present_one_is_asked_and_guesses_are_slowed(
        self, context: Context, browser: Client, town: Town
    ) -> None:
        own = await cookie_of(context, town, "maire")
        guesses = [await self.change(browser, own, current=f"essai {n}") for n in range(5)]
        assert {(one.status_code, one.json()["code"]) for one in guesses} == {
            (422, "bad_credentials")
        }
        slowed = await self.change(browser, own)
        assert (slowed.status_code, slowed.json()["code"]) == (429, "too_many_failures")

    async def test_a_short_one_is_refused(
        self, context: Context, anonymous: Client, town: Town
    ) -> None:
        own = await cookie_of(context, town, "maire")
        refused = await self.change(anonymous, own, new="trop court")
        assert (refused.status_code, refused.json()["code"]) == (422, "password_too_short")
