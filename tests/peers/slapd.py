"""OpenLDAP's own server on this machine, with TLS, people in every state, and groups in groups."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stockade.identity.ldap.directory import Directory, GroupRole
from stockade.web.certificates import ensure_local_certificate

SLAPD = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/local/sbin")
SLAPADD = shutil.which("slapadd") or shutil.which("slapadd", path="/usr/sbin:/usr/local/sbin")
BASE = "dc=example,dc=org"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
SERVICE = f"cn=stockade,{BASE}"
SERVICE_PASSWORD = "service-Secret-1"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "root-Secret-1"
PASSWORD = "correct horse battery staple"
_SCHEMAS = Path("/etc/ldap/schema")
_MODULES = Path("/usr/lib/ldap")
_CONFIG = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.4203.666.1.1 NAME 'userAccountControl' EQUALITY integerMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.1.2 NAME 'nsAccountLock' EQUALITY caseIgnoreMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.1.3 NAME 'lockoutTime' EQUALITY integerMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.1.4 NAME 'accountExpires' EQUALITY integerMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.4203.666.1.9 NAME 'accountState' SUP top AUXILIARY
    MAY ( userAccountControl $ nsAccountLock $ lockoutTime $ accountExpires ) )
modulepath {modules}
moduleload back_mdb
moduleload ppolicy
moduleload memberof
pidfile {folder}/slapd.pid
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
security {security}
database mdb
maxsize 67108864
suffix "{base}"
rootdn "cn=root,{base}"
rootpw "{root}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by * none
overlay memberof
memberof-refint true
overlay ppolicy
ppolicy_default "cn=policy,{base}"
ppolicy_use_lockout
"""
_PEOPLE = {
    "ada": "",
    "both": "",
    "disabled": "userAccountControl: 514",
    "enabled": "userAccountControl: 512",
    "barred": "nsAccountLock: true",
    "lockedout": "lockoutTime: 133000000000000000",
    "leaver": "accountExpires: 130000000000000000",
    "suspended": "pwdAccountLockedTime: 000001010000Z",
    "mustchange": "pwdReset: TRUE",
    "expired": "pwdChangedTime: 20100101000000Z\npwdPolicySubentry: cn=strict," + BASE,
    "guessed": "",
    "leaving": "userAccountControl: 512",
    "mover": "",
    "grace": "pwdChangedTime: 20100101000000Z\npwdPolicySubentry: cn=graceful," + BASE,
}
"""What stands in each person's entry besides the usual."""
_NESTED = {
    "sellers": [f"uid={name},{PEOPLE}" for name in ("ada", "leaving", "mover")],
    "staff": ["cn=sellers," + GROUPS, "cn=circle," + GROUPS],
    "everybody": ["cn=staff," + GROUPS],
    "circle": ["cn=everybody," + GROUPS],
    "strangers": ["uid=nobody," + PEOPLE],
}


def missing() -> str:
    """Return why the server cannot run here, empty if it can."""
    if SLAPD is None or SLAPADD is None or not _SCHEMAS.is_dir():
        return "slapd is not installed (Debian: slapd)"
    return "" if (_MODULES / "ppolicy.la").exists() else "slapd's modules are not where Debian puts them"


@contextmanager
def directory_server(folder: Path, *, security: str = "tls=128") -> Iterator[Directory]:
    """Run the server and yield how it is reached over LDAPS; it listens on 127.0.0.1 and 127.0.0.2."""
    files = ensure_local_certificate(folder / "tls", [])
    (folder / "data").mkdir()
    config = folder / "slapd.conf"
    config.write_text(_CONFIG.format(
        schemas=_SCHEMAS, modules=_MODULES, folder=folder, authority=files.authority, certificate=files.certificate,
        key=files.key, base=BASE, service=SERVICE, root=ROOT_PASSWORD, security=security,
    ))  # fmt: skip
    (folder / "entries.ldif").write_text(_entries())
    subprocess.run(
        [str(SLAPADD), "-q", "-f", config, "-l", folder / "entries.ldif"], check=True, capture_output=True, text=True
    )
    tls_port, plain_port = _free_port(), _free_port()
    listen = f"ldaps://127.0.0.1:{tls_port} ldaps://127.0.0.2:{tls_port} ldap://127.0.0.1:{plain_port}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([str(SLAPD), "-d", "0", "-f", config, "-h", listen], stdout=log, stderr=log)
    try:
        _await(tls_port, process)
        yield Directory(
            host="127.0.0.1", port=tls_port, ca_pem=files.authority.read_text(), bind_dn=SERVICE,
            bind_password=SERVICE_PASSWORD, user_base=PEOPLE, group_base=GROUPS,
            roles=(GroupRole(f"CN=Everybody, {GROUPS}", "member"), GroupRole(f"cn=strangers,{GROUPS}", "owner")),
        )  # fmt: skip
    finally:
        process.terminate()
        process.wait(10)


def plain_port_of(folder: Path) -> int:
    """Return the port of plain LDAP, on which StartTLS is asked for."""
    command = Path(f"/proc/{(folder / 'slapd.pid').read_text().strip()}/cmdline").read_text()
    return int(command.rpartition("ldap://127.0.0.1:")[2].strip("\0 /"))


def _entries() -> str:
    unit = "dn: ou={0},{1}\nobjectClass: organizationalUnit\nou: {0}\n"
    made = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n"]
    made += [unit.format("people", BASE), unit.format("groups", BASE)]
    made.append(
        f"dn: {SERVICE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: stockade\n"
        f"userPassword: {SERVICE_PASSWORD}\n"
    )
    made += [_policy("policy", ""), _policy("strict", "pwdMaxAge: 60\n")]
    made.append(_policy("graceful", "pwdMaxAge: 60\npwdGraceAuthNLimit: 3\n"))
    for uid, more in _PEOPLE.items():
        mail = "Shared@Example.org" if uid in ("both", "enabled") else f"{uid.title()}@Example.org"
        stateful = "" if not more or more.startswith("pwd") else "objectClass: accountState\n"
        made.append(
            f"dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\n{stateful}uid: {uid}\ncn: {uid.title()} Example\n"
            f"sn: Example\nmail: {mail}\nuserPassword: {PASSWORD}\n{more}".rstrip("\n")
            + "\n"
        )
    for name, members in _NESTED.items():
        listed = "".join(f"member: {member}\n" for member in members)
        above = [f"cn={other},{GROUPS}" for other, held in _NESTED.items() if f"cn={name},{GROUPS}" in held]
        of = "".join(f"memberOf: {group}\n" for group in above)
        made.append(f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n{listed}{of}")
    text = "\n".join(made)
    return text.replace("uid: ada\n", f"uid: ada\nmemberOf: cn=sellers,{GROUPS}\n")


def _policy(name: str, more: str) -> str:
    return (
        f"dn: cn={name},{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: {name}\npwdAttribute: userPassword\n"
        f"pwdLockout: TRUE\npwdMaxFailure: 3\npwdLockoutDuration: 300\npwdMustChange: TRUE\n{more}"
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("slapd did not start")
