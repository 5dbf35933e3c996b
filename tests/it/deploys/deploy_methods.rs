//! Common methods to replace an old build with a new one. Each must be detected as one deploy.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use std::time::UNIX_EPOCH;

use tempfile::TempDir;
use tidings::WatchDirectory;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::build::empty;
use crate::deploys::build::set_modified;
use crate::deploys::harness::InProcessSite;
use crate::deploys::harness::SiteUnderTest as _;
use crate::deploys::os;
use crate::deploys::pause;
use crate::deploys::run;

#[test]
fn vite_build_page_first_is_one_deploy() {
    check("dist", |top, build, _| {
        let dir = top.join("dist");
        fs::create_dir_all(&dir).unwrap();
        empty(&dir);
        write_slowly(build, &dir, &build.index_first());
    });
}

#[test]
fn vite_build_page_last_is_one_deploy() {
    check("dist", |top, build, _| {
        let dir = top.join("dist");
        fs::create_dir_all(&dir).unwrap();
        empty(&dir);
        write_slowly(build, &dir, &build.index_last());
    });
}

#[test]
fn upload_file_by_file_is_one_deploy() {
    check("dist", |top, build, _| {
        let dir = top.join("dist");
        write_slowly(build, &dir, &build.index_first());
    });
}

#[test]
fn rsync_with_delete_is_one_deploy() {
    check("dist", |top, _, source| {
        run(
            "rsync",
            [
                os("-a"),
                os("--delete"),
                os(&source.join("")),
                os(&top.join("dist/")),
            ],
        );
    });
}

#[test]
fn rsync_page_first_is_one_deploy() {
    check("dist", |top, _, source| {
        let dist = top.join("dist/");
        run("rsync", [os("-a"), os(&source.join(INDEX)), os(&dist)]);
        pause();
        run(
            "rsync",
            [os("-a"), os("--delete"), os(&source.join("")), os(&dist)],
        );
    });
}

#[test]
fn rsync_page_last_is_one_deploy() {
    check("dist", |top, _, source| {
        let dist = top.join("dist/");
        run(
            "rsync",
            [
                os("-a"),
                os("--exclude=/index.html"),
                os(&source.join("")),
                os(&dist),
            ],
        );
        pause();
        run(
            "rsync",
            [os("-a"), os("--delete"), os(&source.join("")), os(&dist)],
        );
    });
}

#[test]
fn rm_and_cp_is_one_deploy() {
    check("dist", |top, _, source| {
        let dist = top.join("dist");
        run("rm", [os("-rf"), os(&dist)]);
        run("cp", [os("-r"), os(source), os(&dist)]);
    });
}

#[test]
fn cp_over_old_files_is_one_deploy() {
    check("dist", |top, _, source| {
        let dist = top.join("dist");
        fs::create_dir_all(&dist).unwrap();
        run("cp", [os("-r"), os(&source.join(".")), os(&dist)]);
    });
}

#[test]
fn directory_swap_is_one_deploy() {
    check("dist", |top, _, source| {
        let (dist, new, old) = (top.join("dist"), top.join("dist.new"), top.join("dist.old"));
        run("cp", [os("-a"), os(source), os(&new)]);
        if dist.exists() {
            run("mv", [os(&dist), os(&old)]);
        }
        run("mv", [os(&new), os(&dist)]);
        run("rm", [os("-rf"), os(&old)]);
    });
}

#[test]
fn directory_swap_with_pauses_is_one_deploy() {
    check("dist", |top, _, source| {
        let (dist, new, old) = (top.join("dist"), top.join("dist.new"), top.join("dist.old"));
        run("cp", [os("-a"), os(source), os(&new)]);
        if dist.exists() {
            run("mv", [os(&dist), os(&old)]);
        }
        pause();
        run("mv", [os(&new), os(&dist)]);
        pause();
        run("rm", [os("-rf"), os(&old)]);
    });
}

#[test]
fn directory_exchange_repeated_is_a_deploy_each_time() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let (blue, green) = (Build::new(1), Build::new(2));
    let (dist, spare) = (top.path().join("dist"), top.path().join("spare"));
    blue.put_all(&dist);
    green.put_all(&spare);
    let mut site = InProcessSite::watch_natively(&dist);
    site.expect(&blue);
    for build in [&green, &blue, &green, &blue] {
        let aside = top.path().join("aside");
        fs::rename(&dist, &aside).unwrap();
        fs::rename(&spare, &dist).unwrap();
        fs::rename(&aside, &spare).unwrap();
        site.expect(build);
    }
}

#[test]
fn symlink_replaced_by_ln_is_one_deploy() {
    check("current", |top, _, source| {
        let release = release(top, source);
        run("ln", [os("-sfn"), os(&release), os(&top.join("current"))]);
    });
}

#[test]
fn symlink_replaced_by_mv_is_one_deploy() {
    check("current", |top, _, source| {
        let next = top.join("next");
        symlink(release(top, source), &next).unwrap();
        run("mv", [os("-T"), os(&next), os(&top.join("current"))]);
    });
}

#[test]
fn symlink_in_parent_path_replaced_is_one_deploy() {
    check("www/current/dist", |top, _, source| {
        let releases = top.join("releases");
        fs::create_dir_all(&releases).unwrap();
        let number = fs::read_dir(&releases).unwrap().count();
        let release = releases.join(number.to_string());
        fs::create_dir(&release).unwrap();
        run("cp", [os("-a"), os(source), os(&release.join("dist"))]);
        fs::create_dir_all(top.join("srv")).unwrap();
        if !top.join("www").exists() {
            symlink("srv", top.join("www")).unwrap();
        }
        let next = top.join("srv/next");
        symlink(format!("../releases/{number}"), &next).unwrap();
        run("mv", [os("-T"), os(&next), os(&top.join("srv/current"))]);
    });
}

#[test]
fn symlink_first_of_chain_replaced_is_one_deploy() {
    check("www/dist", |top, _, source| {
        let number = fs::read_dir(top).unwrap().count();
        let srv = top.join(format!("srv{number}"));
        fs::create_dir(&srv).unwrap();
        run("cp", [os("-a"), os(source), os(&srv.join("real"))]);
        symlink("real", srv.join("dist")).unwrap();
        run("ln", [os("-sfn"), os(&srv), os(&top.join("www"))]);
    });
}

#[test]
fn kubernetes_volume_update_is_one_deploy() {
    check("volume", |top, _, source| {
        let volume = top.join("volume");
        fs::create_dir_all(&volume).unwrap();
        let data = volume.join("..data");
        let before = fs::read_link(&data).ok();
        let number = before.as_ref().map_or(0, |old| {
            let old = old.to_str().unwrap().rsplit_once('_').unwrap();
            old.1.parse::<u32>().unwrap()
        });
        let dated = format!("..2026_11_22_00_00_{:02}", number + 1);
        run("cp", [os("-r"), os(source), os(&volume.join(&dated))]);
        symlink(&dated, volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), &data).unwrap();
        for entry in fs::read_dir(source).unwrap() {
            let name = entry.unwrap().file_name();
            if volume.join(&name).symlink_metadata().is_err() {
                symlink(Path::new("..data").join(&name), volume.join(&name)).unwrap();
            }
        }
        if let Some(old) = before {
            fs::remove_dir_all(volume.join(old)).unwrap();
        }
    });
}

#[test]
fn archive_with_old_mtimes_is_one_deploy() {
    check("dist", |top, _, source| {
        let (dist, archive) = (top.join("dist"), top.join("build.tar"));
        let (date, c) = (os("--mtime=2020-02-02 02:02:02Z"), os("-C"));
        run(
            "tar",
            [date, os("-cf"), os(&archive), c, os(source), os(".")],
        );
        fs::create_dir_all(&dist).unwrap();
        empty(&dist);
        run("tar", [os("-xf"), os(&archive), c, os(&dist)]);
        let modified = fs::metadata(dist.join(INDEX)).unwrap().modified().unwrap();
        assert_eq!(modified, UNIX_EPOCH + Duration::from_secs(1_580_608_922));
    });
}

#[test]
fn page_changed_with_same_size_mtime_and_inode_is_a_deploy() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(top.path());
    let place = top.path().join(INDEX);
    set_modified(&place, one.modified());
    let mut site = InProcessSite::watch_natively(top.path());
    site.expect(&one);
    let file_state = || {
        let metadata = fs::metadata(&place).unwrap();
        (metadata.len(), metadata.modified().unwrap(), metadata.ino())
    };
    let before = file_state();
    for build in [&two, &one, &two, &one] {
        let others = build.index_first().into_iter().skip(1);
        others.for_each(|path| build.put(top.path(), path));
        // In the same inode.
        build.put(top.path(), INDEX);
        set_modified(&place, one.modified());
        assert_eq!(file_state(), before);
        site.expect(build);
    }
}

#[test]
fn parent_directory_replaced_is_one_deploy() {
    check("app/dist", |top, _, source| {
        let (app, new, old) = (top.join("app"), top.join("app.new"), top.join("app.old"));
        fs::create_dir(&new).unwrap();
        run("cp", [os("-a"), os(source), os(&new.join("dist"))]);
        if app.exists() {
            fs::rename(&app, &old).unwrap();
        }
        fs::rename(&new, &app).unwrap();
        run("rm", [os("-rf"), os(&old)]);
    });
}

#[test]
fn parent_directory_removed_and_recreated_is_one_deploy() {
    check("app/dist", |top, _, source| {
        let app = top.join("app");
        run("rm", [os("-rf"), os(&app)]);
        pause();
        fs::create_dir(&app).unwrap();
        pause();
        run("cp", [os("-a"), os(source), os(&app.join("dist"))]);
    });
}

#[test]
fn rsync_link_dest_release_is_one_deploy() {
    check("current", |top, _, source| {
        let releases = top.join("releases");
        fs::create_dir_all(&releases).unwrap();
        let number = fs::read_dir(&releases).unwrap().count();
        let (from, to) = (source.join(""), releases.join(number.to_string()));
        let shared = format!("--link-dest=../{}", number.saturating_sub(1));
        run("rsync", [os("-a"), os(&shared), os(&from), os(&to)]);
        run("ln", [os("-sfn"), os(&to), os(&top.join("current"))]);
    });
}

#[test]
fn deploy_with_defaults_is_announced_within_a_second() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let first = Build::new(1);
    first.put_all(dir.path());
    let mut site = InProcessSite::new(WatchDirectory::new(dir.path()));
    site.expect(&first);
    let took = (2..7).map(|version| {
        let build = Build::new(version);
        build.put_all(dir.path());
        let start = Instant::now();
        site.expect(&build);
        start.elapsed()
    });
    // The best of several, since the machine may be busy.
    let took = took.min().unwrap();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// Deploys builds by one method to a site at `root` in a temporary directory: forward, back, and one of them again.
/// Each must be announced once and served completely, with the chunks of earlier builds still available.
///
/// `method` takes that directory, a build, and a directory with the build. It must also work for the first deploy.
#[track_caller]
fn check(root: &str, method: impl Fn(&Path, &Build, &Path)) {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let builds: Vec<_> = (1..4).map(Build::new).collect();
    let [one, two, three] = &builds[..] else {
        unreachable!()
    };
    let deploy = |build: &Build| method(top.path(), build, build.source().path());
    deploy(one);
    let mut site = InProcessSite::watch_natively(&top.path().join(root));
    let mut past = vec![one];
    let first = site.expect(one);
    assert_eq!((first.number, first.previous.len()), (1, 0));
    let mut last = first;
    for build in [two, three, two, three, one] {
        deploy(build);
        let event = site.expect(build);
        assert!(event.published > last.published);
        assert_eq!(event.previous[0], last.id);
        assert!(!event.previous.contains(&event.id));
        past.iter().for_each(|build| site.check_chunks(build));
        past.push(build);
        last = event;
        if build == three {
            // The same build again must not be announced; the number of the next announcement shows that.
            deploy(build);
            pause();
        }
    }
    assert_eq!(last.previous.len(), 2);
}

/// Copies a build to `releases/N`, and returns the path relative to `top`, as deploy scripts write it into symlinks.
fn release(top: &Path, source: &Path) -> PathBuf {
    let releases = top.join("releases");
    fs::create_dir_all(&releases).unwrap();
    let number = fs::read_dir(&releases).unwrap().count();
    let release = Path::new("releases").join(number.to_string());
    run("cp", [os("-a"), os(source), os(&top.join(&release))]);
    release
}

/// Writes the files in this order, so slowly that each intermediate state is scanned.
fn write_slowly(build: &Build, dir: &Path, order: &[&str]) {
    for path in order {
        build.put(dir, path);
        pause();
    }
}
