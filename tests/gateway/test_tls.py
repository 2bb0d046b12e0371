"""Mutual TLS over a real handshake on loopback, and files that stop the start."""

import ssl
from contextlib import suppress

import anyio
import httpx
import pytest
import trustme
from anyio.streams.tls import TLSAttribute
from cryptography.hazmat.primitives import serialization

from fhir_bridge.connection import Connection, MutualTls, Timeouts
from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.gateway import Gateway
from fhir_bridge.gateway.tls import client_context
from fhir_bridge.outcome import Issue
from tests.gateway.loopback import listening, refusing_handshakes, request_of
from tests.gateway.northlab import READ, WRITE, failure

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def ca():
    """Return the authority that both sides' certificates come from."""
    return trustme.CA()


@pytest.fixture
def files(ca, tmp_path):
    """Write our certificate, its key and the CA bundle, and return them as a mapping file names them."""
    ours = ca.issue_cert("bridge@fhir-bridge.example")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "bridge.pem"))
    ours.private_key_pem.write_to_path(str(tmp_path / "bridge.key"))
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return MutualTls(*(str(tmp_path / name) for name in ("bridge.pem", "bridge.key", "ca.pem")))


def server_context(ca, host="127.0.0.1"):
    """Return the partner's side, which demands a certificate of `ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(host).configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def answer_once(stream):
    """Answer one request with the name in the certificate that the client showed."""
    async with stream:
        await request_of(stream)
        ((_kind, name),) = stream.extra(TLSAttribute.peer_certificate)["subjectAltName"]
        body = name.encode()
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def answer_in_plain_text(stream):
    """Answer the first bytes as a server without TLS does."""
    async with stream:
        await stream.receive()
        await stream.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def never_answer(stream):
    """Read and stay silent."""
    async with stream:
        await request_of(stream)
        await anyio.sleep_forever()


def bridge(port, *auth, host="127.0.0.1", **timeouts):
    """Return a gateway to that port."""
    return Gateway([Connection("northlab", f"https://{host}:{port}", Timeouts(**timeouts), auth=auth)])


def insecure(reason, fate="It has not received the call."):
    """Return the issue of a TLS failure."""
    text = (
        f"The partner northlab cannot be reached over TLS: {reason}. Check its URL, and the certificate, key and "
        f"CA bundle that its connection names. {fate}"
    )
    return Issue("partner-unreachable", "exception", text)


async def test_the_client_certificate_is_shown_and_accepted(ca, files):
    """And the partner's own one is checked against the bundle."""
    async with listening(answer_once, server_context(ca)) as port, bridge(port, files) as gateway:
        answer = await gateway.send(READ)

    assert answer == PartnerResponse(200, {"content-length": "26"}, b"bridge@fhir-bridge.example")


async def test_a_client_certificate_that_the_partner_does_not_know_ends_the_handshake(ca, files, tmp_path):
    """In TLS 1.3 its alert comes when the request is already on its way, so that cannot be called unsent."""
    stranger = trustme.CA().issue_cert("stranger@elsewhere.example")
    stranger.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "stranger.pem"))
    unknown = MutualTls(str(tmp_path / "stranger.pem"), str(tmp_path / "stranger.pem"), files.ca_bundle)

    async with refusing_handshakes(server_context(ca)) as port, bridge(port, unknown) as gateway:
        error = await failure(gateway, WRITE)

    fate = "It may have received the call and carried it out."
    assert (error.status_code, error.issues) == (
        502,
        (insecure("it refused the handshake with the alert unknown_ca", fate),),
    )


async def test_a_client_certificate_that_is_missing_ends_the_handshake(ca):
    """The alert says so."""
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    transport = httpx.AsyncHTTPTransport(verify=trusting)

    async with refusing_handshakes(server_context(ca)) as port:
        connection = Connection("northlab", f"https://127.0.0.1:{port}")
        async with Gateway([connection], transports={"northlab": transport}) as gateway:
            error = await failure(gateway, READ)

    fate = "It may have received the call, which changes nothing."
    reason = "it refused the handshake with the alert certificate_required"
    assert (error.status_code, error.issues) == (502, (insecure(reason, fate),))


async def test_a_partner_of_an_unknown_authority_gets_nothing(files):
    """Its certificate is refused before the first byte of the call."""
    async with listening(answer_once, server_context(trustme.CA())) as port, bridge(port, files) as gateway:
        error = await failure(gateway, WRITE)

    reason = "its certificate is of an authority that is not trusted"
    assert (error.status_code, error.issues) == (502, (insecure(reason),))


async def test_without_a_bundle_the_public_authorities_are_trusted(ca):
    """A private one is not among them."""
    async with listening(answer_once, server_context(ca)) as port, bridge(port) as gateway:
        error = await failure(gateway, WRITE)

    reason = "its certificate is of an authority that is not trusted"
    assert (error.status_code, error.issues) == (502, (insecure(reason),))


async def test_a_certificate_for_another_host_is_refused(ca, files):
    """An authority's word for one host is none for another."""
    async with listening(answer_once, server_context(ca, "elsewhere.example")) as port, bridge(port, files) as gateway:
        error = await failure(gateway, WRITE)

    reason = "its certificate is for another IP address"
    assert (error.status_code, error.issues) == (502, (insecure(reason),))


async def test_a_partner_that_does_not_speak_tls_is_told_from_one_that_does_badly(files):
    """The port of plain HTTP, by mistake."""
    async with listening(answer_in_plain_text) as port, bridge(port, files) as gateway:
        error = await failure(gateway, WRITE)

    assert (error.status_code, error.issues) == (502, (insecure("it does not speak TLS there"),))


async def test_silence_over_tls_is_a_time_limit_and_not_a_tls_failure(ca, files):
    """A pending read of TLS is an error inside, and must not be taken for one."""
    async with listening(never_answer, server_context(ca)) as port, bridge(port, files, read_s=0.1) as gateway:
        error = await failure(gateway, WRITE)

    text = (
        "The partner northlab did not answer in time: nothing came from it for 0.1 s. "
        "It may have received the call and carried it out."
    )
    assert (error.status_code, error.issues) == (504, (Issue("fate-unknown", "timeout", text),))


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d"


async def test_over_tls_too_a_surplus_answer_is_none(ca, files):
    """A record of its own, which may have arrived with the one before it."""
    connections = []

    async def handle(stream):
        connections.append(stream)
        number = len(connections)
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while True:
                    await request_of(stream)
                    await stream.send(ANSWER % number)
                    if number == 1:
                        await stream.send(ANSWER % 9)

    async with listening(handle, server_context(ca)) as port, bridge(port, files) as partner:
        answers = [await partner.send(WRITE)]
        await anyio.sleep(0.05)
        answers += [await partner.send(WRITE), await partner.send(WRITE)]

    assert [each.body for each in answers] == [b"1", b"2", b"2"]
    assert len(connections) == 2


def problem(mutual):
    """Return the message that these files stop the start with."""
    with pytest.raises(ValueError, match=r"\A.+\Z") as caught:
        client_context(mutual)
    return str(caught.value)


def test_a_missing_file_is_named(files):
    """Each of the three."""
    assert problem(MutualTls("c.pem", files.key, files.ca_bundle)) == "certificate c.pem: No such file or directory"
    assert problem(MutualTls(files.certificate, "k.pem")) == "key k.pem: No such file or directory"
    assert problem(MutualTls(files.certificate, files.key, "/")) == "CA bundle /: Is a directory"


def test_a_file_without_pem_is_named(files, tmp_path):
    """A DER file, or the wrong one."""
    text = tmp_path / "text"
    text.write_text("no PEM")

    assert problem(MutualTls(str(text), files.key)) == f"certificate {text}: there is no PEM certificate in it"
    assert problem(MutualTls(files.certificate, str(text))) == f"key {text}: there is no PEM private key in it"
    assert (
        problem(MutualTls(files.certificate, files.key, files.key))
        == f"CA bundle {files.key}: there is no PEM certificate in it"
    )


def test_a_key_of_another_certificate_is_named(ca, files, tmp_path):
    """Both files are, since either may be the wrong one."""
    other = tmp_path / "other.key"
    ca.issue_cert("other.example").private_key_pem.write_to_path(str(other))

    assert (
        problem(MutualTls(files.certificate, str(other)))
        == f"key {other}: it does not belong to certificate {files.certificate}"
    )


def test_an_encrypted_key_is_named_and_nobody_is_asked_for_its_password(files, tmp_path):
    """OpenSSL would ask at the terminal, and a server has none."""
    with open(files.key, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"pw"),
        )
    )

    assert (
        problem(MutualTls(files.certificate, str(encrypted)))
        == f"key {encrypted}: it is encrypted; give the key without a password"
    )
