//! Bodies in both directions: builds, copies, images.

use std::fs;
use std::path::{Path, PathBuf};

use lockgate_testkit::{program, request, run};

use super::Before;
use crate::guard_memory::Memory;

#[test]
fn builds_and_copies_are_the_same_before_podman() {
    let before = Before::podman();
    let dir = tempfile::tempdir().unwrap();
    let file = "FROM busybox\nCOPY text /text\nRUN cat /text && exit 0\nLABEL a=b\n";
    fs::write(dir.path().join("Dockerfile"), file).unwrap();
    fs::write(dir.path().join("text"), "copied\n").unwrap();
    let context = dir.path().to_str().unwrap();
    let [direct, door] = before.sides().map(|side| {
        let built = before.docker(
            &side,
            &[
                "build",
                "--network=none",
                "--no-cache",
                "--tag=made",
                context,
            ],
        );
        built.ok();
        // The ids of what a build makes are its own.
        let steps: Vec<String> = built
            .stdout
            .lines()
            .filter(|line| line.starts_with("STEP") || *line == "copied")
            .map(str::to_owned)
            .collect();
        let labels = before.docker(
            &side,
            &["inspect", "--format={{json .Config.Labels}}", "made"],
        );
        before.docker(&side, &["create", "--name=box", "made"]).ok();
        let put = before.docker(&side, &["cp", context, "box:/there"]);
        let got = request(
            &side,
            "GET",
            "/v1.41/containers/box/archive?path=/there/text",
            None,
        );
        let stat = got.headers.get("x-docker-container-path-stat").cloned();
        let back = format!("{context}/back");
        before.docker(&side, &["cp", "box:/text", &back]).ok();
        let text = fs::read_to_string(&back).unwrap();
        let missing = before.docker(&side, &["cp", "box:/nowhere", &back]).stderr;
        before.remove(&side);
        before.docker(&side, &["rmi", "made"]).ok();
        (
            steps,
            labels.ok().to_owned(),
            put.code(),
            got.body,
            stat.is_some(),
            text,
            missing,
        )
    });
    assert!(door.0.contains(&"copied".to_owned()), "{:?}", door.0);
    assert_eq!(direct, door);
}

/// Bytes of a layer that neither side can hold by accident.
const BIG: usize = 200 << 20;

#[test]
fn an_image_of_hundreds_of_megabytes_passes_through_little_memory() {
    let before = Before::podman();
    let archive = big_archive(&before.door.path("big.tar"));
    let [podman, door] = before.sides();
    let memory = Memory::of(before.door.pid());
    let path = archive.to_str().unwrap();
    before.docker(&door, &["load", "--input", path]).ok();
    let saved = [&podman, &door].map(|side| {
        let to = before.door.path("saved.tar");
        before
            .docker(side, &["save", "--output", to.to_str().unwrap(), "big"])
            .ok();
        assert!(fs::metadata(&to).unwrap().len() > BIG as u64);
        let sum = run(program("sha256sum").arg(&to), b"");
        fs::remove_file(to).unwrap();
        sum.ok().to_owned()
    });
    assert_eq!(saved[0], saved[1]);
    memory.grew_by_less_than(16 << 10);
}

/// An archive with one layer of zeros, which the disk does not keep.
fn big_archive(to: &Path) -> PathBuf {
    let script = format!(
        "set -e; d=$(mktemp -d); cd $d; mkdir r l; truncate -s {BIG} r/zeros; tar -C r -cf l/layer.tar .; \
         sum=$(sha256sum l/layer.tar | cut -d' ' -f1); \
         printf '{{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{{}},\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}}}' $sum > config.json; \
         printf '[{{\"Config\":\"config.json\",\"RepoTags\":[\"big:latest\"],\"Layers\":[\"l/layer.tar\"]}}]' > manifest.json; \
         tar -cf {} manifest.json config.json l/layer.tar; rm -r $d",
        to.display()
    );
    run(program("sh").args(["-c", &script]), b"").ok();
    to.to_owned()
}
