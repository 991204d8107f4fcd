"""Which code runs: told from git's own files, without calling git."""

from pathlib import Path

from stockade.trust.build import UNKNOWN, commit_of

ONE, OTHER = "1" * 40, "2" * 40


def checkout(folder: Path, head: str, files: dict[str, str]) -> Path:
    git = folder / ".git"
    for name, content in ({"HEAD": head} | files).items():
        (git / name).parent.mkdir(parents=True, exist_ok=True)
        (git / name).write_text(f"{content}\n")
    return folder


def test_the_commit_of_a_branch_is_read_from_its_loose_reference(tmp_path: Path) -> None:
    files = {"refs/heads/main": ONE, "packed-refs": f"# pack-refs\n{OTHER} refs/heads/main"}
    assert commit_of(checkout(tmp_path, "ref: refs/heads/main", files)) == ONE


def test_the_commit_of_a_packed_branch_is_found(tmp_path: Path) -> None:
    packed = {"packed-refs": f"# pack-refs\n{OTHER} refs/heads/other\n{ONE} refs/heads/main"}
    assert commit_of(checkout(tmp_path, "ref: refs/heads/main", packed)) == ONE


def test_a_detached_head_is_its_own_commit(tmp_path: Path) -> None:
    assert commit_of(checkout(tmp_path, ONE, {})) == ONE


def test_a_linked_work_tree_finds_its_reference_in_the_shared_folder(tmp_path: Path) -> None:
    checkout(tmp_path, "ref: refs/heads/main", {"refs/heads/side": ONE, "worktrees/side/HEAD": "ref: refs/heads/side"})
    (tmp_path / ".git/worktrees/side/commondir").write_text("../..\n")
    side = tmp_path / "side"
    side.mkdir()
    (side / ".git").write_text(f"gitdir: {tmp_path}/.git/worktrees/side\n")
    assert commit_of(side) == ONE


def test_what_is_no_checkout_has_an_unknown_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == UNKNOWN
    assert commit_of(checkout(tmp_path, "nonsense", {})) == UNKNOWN
