//! Volumes, binds and tmpfs in containers.

use std::os::unix::fs::PermissionsExt as _;

use lockgate_engine::RemoveOptions;
use lockgate_types::container::{Empty, Mount, MountType, TmpfsOptions};

use crate::fixture::{Fixture, sh};

#[tokio::test(flavor = "multi_thread")]
async fn a_named_volume_outlives_its_containers() {
    let fixture = Fixture::new().await;
    let mut request = sh("cat /data/file 2>/dev/null; echo text > /data/file");
    request.host_config.binds = Some(vec!["data:/data".to_owned()]);
    let first = fixture.run_with(request.clone()).await;
    assert_eq!(fixture.wait(&first).await.status_code, 0);
    let mounts = fixture.inspect(&first).await.mounts;
    assert_eq!(
        (
            mounts[0].name.as_str(),
            mounts[0].mode.as_str(),
            mounts[0].rw
        ),
        ("data", "z", true)
    );
    let options = RemoveOptions {
        volumes: true,
        ..RemoveOptions::default()
    };
    fixture.containers().remove(&first, options).await.unwrap();
    let second = fixture.run_with(request).await;
    fixture.wait(&second).await;
    assert_eq!(fixture.log(&second).await, "text\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_volume_is_filled_from_the_image_and_goes_with_the_container() {
    let fixture = Fixture::new().await;
    let mut request = sh("cat /etc/passwd | head -1");
    request.config.volumes = Some([("/etc".to_owned(), Empty {})].into());
    let id = fixture.run_with(request).await;
    fixture.wait(&id).await;
    assert_eq!(fixture.log(&id).await, "root:x:0:0:root:/root:/bin/sh\n");
    let source = fixture.inspect(&id).await.mounts[0].source.clone();
    assert!(std::fs::metadata(&source).unwrap().is_dir());
    let options = RemoveOptions {
        volumes: true,
        ..RemoveOptions::default()
    };
    fixture.containers().remove(&id, options).await.unwrap();
    std::fs::metadata(&source).unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn binds_show_the_host_and_read_only_means_it() {
    let fixture = Fixture::new().await;
    let host = fixture.roots.directory.path().join("host");
    std::fs::create_dir(&host).unwrap();
    std::fs::write(host.join("file"), "from host\n").unwrap();
    let mut request =
        sh("cat /in/file; touch /in/x 2>/dev/null || echo ro; touch /made/y && echo rw");
    let missing = fixture.roots.directory.path().join("missing");
    request.host_config.binds = Some(vec![
        format!("{}:/in:ro", host.display()),
        format!("{}:/made", missing.display()),
    ]);
    let id = fixture.run_with(request).await;
    fixture.wait(&id).await;
    assert_eq!(fixture.log(&id).await, "from host\nro\nrw\n");
    assert!(missing.join("y").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn tmpfs_is_empty_writable_and_limited() {
    let fixture = Fixture::new().await;
    let mut request = sh("touch /a/x /b/x && ls -ld /b; mount | grep ' /[ab] '");
    request.host_config.tmpfs = Some([("/a".to_owned(), "size=64k".to_owned())].into());
    request.host_config.mounts = Some(vec![Mount {
        kind: MountType::Tmpfs.into(),
        target: "/b".to_owned(),
        tmpfs_options: Some(TmpfsOptions {
            size_bytes: Some(1 << 20),
            mode: Some(0o700),
            options: None,
        }),
        ..Mount::default()
    }]);
    let id = fixture.run_with(request).await;
    assert_eq!(fixture.wait(&id).await.status_code, 0);
    let log = fixture.log(&id).await;
    assert!(
        log.contains("drwx------") && log.contains("size=64k") && log.contains("size=1024k"),
        "{log}"
    );
    assert_eq!(fixture.inspect(&id).await.mounts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_from_another_container_are_shared() {
    let fixture = Fixture::new().await;
    let mut request = sh("echo shared > /v/file; chmod 600 /v/file");
    request.name = Some("owner".to_owned());
    request.config.volumes = Some([("/v".to_owned(), Empty {})].into());
    let owner = fixture.run_with(request).await;
    fixture.wait(&owner).await;
    let mut request = sh("cat /v/file");
    request.host_config.volumes_from = Some(vec!["owner:ro".to_owned()]);
    let user = fixture.run_with(request).await;
    fixture.wait(&user).await;
    assert_eq!(fixture.log(&user).await, "shared\n");
    let source = std::path::PathBuf::from(&fixture.inspect(&user).await.mounts[0].source);
    let options = RemoveOptions {
        volumes: true,
        ..RemoveOptions::default()
    };
    fixture.containers().remove(&user, options).await.unwrap();
    let mode = std::fs::metadata(source.join("file"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
