"""What is said to a CA, step by step (RFC 8555), through the library `acme`. All of it blocks: it is for a thread.

A CA may say anything. What it says is bounded by `web`, read by the library, and believed only as far as it is about
the domain that was asked for. Whatever cannot be read ends in `Refused`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import requests
from acme import challenges, crypto_util, errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy import errors as jose_errors
from josepy import jwa, jwk

from kdns.plugins.tls.certificate import new_key
from kdns.plugins.tls.store import Account

_PENDING: Final = (messages.STATUS_PENDING, messages.STATUS_PROCESSING)
_UNREADABLE: Final = (
    *(jose_errors.Error, requests.RequestException, UnsupportedAlgorithm),
    *(ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError),
)
"""What the library raises for replies that are not as they should be."""


class Refused(Exception):
    """The CA does not do it, or is not understood; `unknown_account` if it does not know who asks."""

    def __init__(self, text: str, *, unknown_account: bool = False) -> None:
        super().__init__(text)
        self.unknown_account = unknown_account


class Proof(NamedTuple):
    """What the CA wants to find for a domain: the value of the TXT record. `challenge` is to be answered then."""

    value: str
    challenge: messages.ChallengeBody
    response: challenges.ChallengeResponse
    authorization: messages.AuthorizationResource


class Authority:
    """A CA by the URL of its directory, asked over `session`, on behalf of one account."""

    def __init__(self, directory: str, session: requests.Session, agent: str) -> None:
        self._directory = directory
        self._session = session
        self._agent = agent

    def enter(self, account: Account | None, email: str) -> Account:
        """Begin as an account, or as a new one with an address that may be empty."""
        with _understood():
            pem = new_key() if account is None else account.key
            key = _loaded(pem)
            net = self._net = self._network(key)
            self._client = ClientV2(ClientV2.get_directory(self._directory, net), net)
            url = self._registered(email) if account is None else account.url
            net.account = messages.RegistrationResource(body=messages.Registration(), uri=url)
            return Account(url, pem)

    def _registered(self, email: str) -> str:
        new = messages.NewRegistration.from_data(email=email or None, terms_of_service_agreed=True)
        try:
            url = self._client.new_account(new).uri
        except errors.ConflictError as error:
            url = error.location
        if not isinstance(url, str):
            raise Refused("the CA gives the account no URL")
        return url

    def order(self, domain: str, key: bytes) -> tuple[messages.OrderResource, list[Proof]]:
        """Order a certificate for a domain and a key in PEM, and learn what to prove; maybe nothing."""
        with _understood():
            order = self._client.new_order(crypto_util.make_csr(key, [domain]))
            bare = domain.removeprefix("*.")
            found = []
            for each in order.authorizations:
                if each.body.identifier.value != bare:
                    raise Refused(f"the CA wants proof of another domain: {each.body.identifier.value}")
                if each.body.status != messages.STATUS_VALID:
                    found.append(self._proof(each))
            return order, found

    def _proof(self, authorization: messages.AuthorizationResource) -> Proof:
        for each in authorization.body.challenges:
            if isinstance(each.chall, challenges.DNS01):
                response, value = each.response_and_validation(self._net.key)
                return Proof(value, each, response, authorization)
        raise Refused("the CA offers no challenge dns-01")

    def answer(self, proof: Proof) -> None:
        """Tell that a record is there."""
        with _understood():
            self._client.answer_challenge(proof.challenge, proof.response)

    def is_proven(self, proof: Proof) -> bool:
        """Whether the CA has found it; false if it still looks."""
        with _understood():
            found = self._client.poll(proof.authorization)[0].body
            if found.status == messages.STATUS_VALID:
                return True
            if found.status in _PENDING:
                return False
            wrong = [str(each.error) for each in found.challenges if each.error is not None]
            raise Refused("; ".join(wrong) or f"the proof is {found.status.name}")

    def finish(self, order: messages.OrderResource) -> None:
        """Have the certificate made, now that everything is proven."""
        with _understood():
            self._client.begin_finalization(order)

    def chain(self, order: messages.OrderResource) -> bytes | None:
        """The certificate with its chain, in PEM; `None` if it is still being made."""
        with _understood():
            now = messages.Order.from_json(self._post(order.uri).json())
            if now.status == messages.STATUS_INVALID:
                raise Refused(str(now.error or "the order failed"))
            if now.status != messages.STATUS_VALID or not now.certificate:
                return None
            return self._post(now.certificate).content

    def renewal(self, chain: bytes) -> float | None:
        """When the CA would have a certificate renewed, as Unix time (RFC 9773); `None` if it does not care."""
        with _understood():
            net = self._network()
            client = ClientV2(ClientV2.get_directory(self._directory, net), net)
            when = client.renewal_time(chain)[0]
            return None if when is None else when.timestamp()

    def _network(self, key: jwk.JWK | None = None) -> ClientNetwork:
        alg = jwa.RS256 if isinstance(key, jwk.JWKRSA) else jwa.ES256
        net = ClientNetwork(key, alg=alg, user_agent=self._agent)
        net.session.close()
        net.session = self._session
        return net

    def _post(self, url: str) -> requests.Response:
        return self._net.post(url, None, new_nonce_url=self._client.directory["newNonce"])


def _loaded(pem: bytes) -> jwk.JWK:
    try:
        load_pem_private_key(pem, None)  # josepy asserts what this tells
        return jwk.JWK.load(pem)
    except (jose_errors.Error, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused("the key of the account cannot be read", unknown_account=True) from error


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except messages.Error as error:
        text = " ".join(filter(None, (error.typ, error.title, error.detail)))
        raise Refused(text, unknown_account=error.code == "accountDoesNotExist") from error
    except errors.ClientError as error:
        raise Refused(_of_client(error)) from error
    except errors.Error as error:
        raise Refused(str(error) or type(error).__name__) from error
    except _UNREADABLE as error:
        raise Refused(f"a reply that cannot be read: {type(error).__name__} {error}") from error


def _of_client(error: errors.ClientError) -> str:
    """What it says; the library gives the response itself where there is no more to say."""
    response = error.args[0] if error.args else None
    if isinstance(response, tuple) and response:
        response = response[0]
    if isinstance(response, requests.Response):
        return f"{response.url}: HTTP status {response.status_code}"
    return str(error) or type(error).__name__
