//! Who is at the other end of the control socket.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

/// A process at the other end, as the kernel knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    /// The user it runs as; none where the kernel does not say.
    pub(super) uid: Option<u32>,
    /// Its group.
    gid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let known = stream.io().peer_cred().ok();
        Self {
            uid: known.map(|known| known.uid()),
            gid: known.map(|known| known.gid()),
        }
    }
}

impl Peer {
    /// Whether it may ask for anything: root, the service's own user, or one of the socket's group. To which further
    /// groups a process belongs the kernel does not tell; but it lets nobody else through, as long as the file's mode
    /// shuts others out.
    pub(super) fn may_ask(self, socket: &Path) -> bool {
        let own = rustix::process::geteuid().as_raw();
        if self.uid.is_some_and(|uid| uid == 0 || uid == own) {
            return true;
        }
        let Ok(file) = std::fs::metadata(socket) else {
            return false;
        };
        let shuts_others_out = file.permissions().mode() & 0o007 == 0;
        self.uid.is_some() && (shuts_others_out || self.gid == Some(file.gid()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_open_to_all_is_for_its_owner_and_group_alone() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        std::fs::write(&socket, "").unwrap();
        let own = rustix::process::geteuid().as_raw();
        let group = std::fs::metadata(&socket).unwrap().gid();
        for (mode, uid, gid, want) in [
            (0o660, Some(own), None, true),
            (0o666, Some(0), Some(1), true),
            (0o660, Some(own + 1), Some(group + 1), true),
            (0o666, Some(own + 1), Some(group + 1), false),
            (0o666, Some(own + 1), Some(group), true),
            (0o660, None, Some(group), false),
        ] {
            let mode_of = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&socket, mode_of).unwrap();
            let peer = Peer { uid, gid };
            assert_eq!(peer.may_ask(&socket), want, "{mode:o} {peer:?}");
        }
        std::fs::remove_file(&socket).unwrap();
        let stranger = Peer {
            uid: Some(own + 1),
            gid: None,
        };
        assert!(!stranger.may_ask(&socket), "no file");
    }
}
