import pytest

from pyheketi.commands import gluster
from pyheketi.commands.command import Result
from pyheketi.commands.gluster_xml import GlusterVolume, Peer, read_peers, read_volume
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
VOLUME = """<volume><name>v</name><id>1</id><status>1</status><statusStr>Started</statusStr>
  <snapshotCount>2</snapshotCount><typeStr>Replicate</typeStr>
  <bricks><brick uuid="u">h1:/a<name>h1:/a</name></brick><brick uuid="u">h2:/b<name>h2:/b</name></brick></bricks>
  <options><option><name>user.heketi.id</name><value>X</value></option>
           <option><name>user.empty</name><value/></option></options></volume>"""


def result(stdout: str = "", stderr: str = "", status: int = 0) -> Result:
    return Result(gluster.volume_info("v", NodeOptions()), status, stdout, stderr)


def answer(volumes: str, ret: int = 0, said: str = "") -> str:
    return (
        f"{HEAD}<cliOutput><opRet>{ret}</opRet><opErrno>0</opErrno><opErrstr>{said}</opErrstr>"
        f"<volInfo><volumes>{volumes}<count>1</count></volumes></volInfo></cliOutput>"
    )


def test_a_volume() -> None:
    assert read_volume("n1", result(answer(VOLUME)), "v") == GlusterVolume(
        name="v",
        type="Replicate",
        started=True,
        bricks=("h1:/a", "h2:/b"),
        uuid="1",
        options=(("user.heketi.id", "X"), ("user.empty", "")),
        snapshots=2,
    )


def test_the_least_that_a_volume_may_have() -> None:
    least = "<volume><name>v</name><status>2</status></volume>"
    assert read_volume("n1", result(answer(least)), "v") == GlusterVolume(name="v", type="", started=False, bricks=())


@pytest.mark.parametrize(
    "said",
    [
        result(answer("", -1, "Volume does not exist")),
        result(answer("", -1, "Volume v does not exist")),
        result(answer("", -1, "Volume v does not exist"), status=1),
        result(answer("")),
        result(f"{HEAD}<cliOutput><opRet>0</opRet></cliOutput>"),
        result(stderr="Volume v does not exist\n", status=1),
        result(stdout="Volume v does not exist\n", status=1),
        result(answer(VOLUME.replace("<name>v<", "<name>other<"))),
    ],
)
def test_no_volume(said: Result) -> None:
    assert read_volume("n1", said, "v") is None


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            result(stderr="Connection failed. Please check if gluster daemon is operational.\n", status=1),
            "Connection failed",
        ),
        (result(answer("", -1, "Request timed out")), "Request timed out"),
        (result(stderr="bash: gluster: command not found\n", status=127), "command not found"),
        (result(stderr="Volume other does not exist\n", status=1), "Volume other"),
        (result(answer("", -1)), "it said nothing"),
    ],
)
def test_gluster_cannot_tell(said: Result, text: str) -> None:
    with pytest.raises(errors.CommandFailed, match=text) as caught:
        read_volume("n1", said, "v")
    assert caught.value.host == "n1"


@pytest.mark.parametrize(
    "text",
    [
        "no XML",
        HEAD + "<cliOutput><opRet>0</opRet>",
        HEAD + "<cliOutput><opRet>x</opRet></cliOutput>",
        answer("<volume><name>v</name></volume>"),
        answer("<volume><status>1</status></volume>"),
        answer("<volume><name>v</name><status>1</status><bricks><brick>h1:/a</brick></bricks></volume>"),
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><cliOutput>&b;</cliOutput>',
        "",
    ],
)
def test_nonsense(text: str) -> None:
    with pytest.raises(errors.Unexpected, match="makes no sense"):
        read_volume("n1", result(text), "v")


def peers(text: str) -> Result:
    return Result(gluster.peer_status(NodeOptions()), 0, text)


def test_peers() -> None:
    text = f"""{HEAD}<cliOutput><opRet>0</opRet><opErrstr/><peerStatus>
      <peer><hostname>h2</hostname><hostnames><hostname>h2</hostname><hostname>10.0.0.2</hostname></hostnames>
        <connected>1</connected><stateStr>Peer in Cluster</stateStr></peer>
      <peer><hostname>h3</hostname><connected>1</connected><stateStr>Peer Rejected</stateStr></peer>
      <peer><hostname>h4</hostname><connected>0</connected><stateStr>Peer in Cluster</stateStr></peer>
    </peerStatus></cliOutput>"""
    found = read_peers("n1", peers(text))
    assert found[0] == Peer(names=("h2", "10.0.0.2"), connected=True, state="Peer in Cluster")
    assert [peer.is_well for peer in found] == [True, False, False]


def test_peers_that_cannot_be_told() -> None:
    with pytest.raises(errors.CommandFailed, match="busy"):
        read_peers("n1", peers("<cliOutput><opRet>-1</opRet><opErrstr>busy</opErrstr></cliOutput>"))
    with pytest.raises(errors.Unexpected, match="there is no hostname in <peer>"):
        read_peers("n1", peers("<cliOutput><peerStatus><peer/></peerStatus></cliOutput>"))
