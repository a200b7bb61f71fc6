//! A file that is moved aside when it is full: `log`, `log.1`, `log.2` …

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use lockgate_sys::process::Spawn;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

#[derive(Debug)]
pub(super) struct Rotation {
    path: PathBuf,
    file: File,
    size: u64,
    max_size: Option<u64>,
    max_file: u32,
    compressor: Option<PathBuf>,
    /// The compression of the last rotated file, while it may go on.
    compressing: Option<OwnedFd>,
}

impl Rotation {
    pub(super) fn open(
        path: &Path,
        max_size: Option<u64>,
        max_file: u32,
        compressor: Option<&Path>,
    ) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            max_size,
            max_file: max_file.max(1),
            compressor: compressor.map(Path::to_owned),
            compressing: None,
        })
    }

    /// Whether the file, with `waiting` bytes more, has reached its size.
    pub(super) fn is_full(&self, waiting: usize) -> bool {
        self.max_size
            .is_some_and(|max| self.size + waiting as u64 >= max)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Starts a new file; the oldest one beyond the number to keep is gone.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        if self.max_file == 1 {
            self.file.set_len(0)?;
            self.size = 0;
            return Ok(());
        }
        self.await_compression();
        for number in (1..self.max_file - 1).rev() {
            move_if_there(&self.numbered(number), &self.numbered(number + 1))?;
            move_if_there(
                &compressed(&self.numbered(number)),
                &compressed(&self.numbered(number + 1)),
            )?;
        }
        if self.max_file == 2 {
            // Its name is taken by a file that is plain at first.
            remove_if_there(&compressed(&self.numbered(1)))?;
        }
        move_if_there(&self.path, &self.numbered(1))?;
        self.file = open(&self.path)?;
        self.size = 0;
        self.compress()
    }

    /// Has the file that was just moved aside compressed, beside the container's own work.
    fn compress(&mut self) -> io::Result<()> {
        let Some(program) = &self.compressor else {
            return Ok(());
        };
        let file = self.numbered(1);
        let null = File::options().read(true).write(true).open("/dev/null")?;
        let log = io::stderr();
        let spawn = Spawn {
            program,
            name: program,
            args: &[OsStr::new("compress"), file.as_os_str()],
            environment: &[],
            descriptors: &[(null.as_fd(), 0), (null.as_fd(), 1), (log.as_fd(), 2)],
            new_session: true,
        };
        self.compressing = Some(spawn.start()?.pidfd);
        Ok(())
    }

    /// The next rotation moves the file that is being compressed: they take turns.
    fn await_compression(&mut self) {
        if let Some(process) = self.compressing.take() {
            let patience = Timespec {
                tv_sec: 60,
                tv_nsec: 0,
            };
            let mut ended = [PollFd::new(&process, PollFlags::IN)];
            // A signal or a very slow disk: the compressor notices that its file has moved.
            crate::reason::ignore(poll(&mut ended, Some(&patience)));
        }
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn compressed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(path)
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
