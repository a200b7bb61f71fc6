//! `/containers/{id}/checkpoints`: what a stock daemon says that has no experimental features.

use lockgate_types::ErrorKind;

use crate::error::Failure;

/// The refusal of every checkpoint call, whatever it names.
pub(crate) fn checkpoint_disabled() -> Failure {
    Failure::new(
        ErrorKind::Unsupported,
        "This experimental feature is disabled by default. Start the Docker daemon in experimental \
         mode in order to enable it.",
    )
}
