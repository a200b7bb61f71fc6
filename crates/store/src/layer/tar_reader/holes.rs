//! Reading the map of a sparse member.

use std::io::Read;

use tar::Header;

use super::{BLOCK, Kind, Tap, TarReader};
use crate::error::LayerError;
use crate::layer::sparse::{self, MapPlace, Part, PaxSparse, SparseMap};

impl<R: Read, T: Tap> TarReader<R, T> {
    /// The map of a member with holes, wherever it is; what is left are the parts' contents.
    pub(super) fn sparse_map(
        &mut self,
        header: &Header,
        kind: Kind,
        pax: &PaxSparse,
    ) -> Result<Option<SparseMap>, LayerError> {
        let (size, parts) = if kind == Kind::Sparse {
            let (size, mut parts, mut more) = sparse::in_header(header)?;
            while more {
                let mut block = [0; BLOCK];
                if !self.block(&mut block)? {
                    return Err(LayerError::Truncated);
                }
                more = sparse::in_block(&block, &mut parts)?;
            }
            (size, parts)
        } else {
            let Some(place) = pax.place()? else {
                return Ok(None);
            };
            if kind != Kind::Regular {
                return Err(sparse::BAD_MAP);
            }
            let parts = match place {
                MapPlace::Records(parts) => parts,
                MapPlace::Contents => self.map_in_contents()?,
            };
            (pax.size.unwrap_or(self.remaining), parts)
        };
        SparseMap::new(size, parts, self.remaining).map(Some)
    }

    fn map_in_contents(&mut self) -> Result<Vec<Part>, LayerError> {
        let mut text = Vec::new();
        let (mut lines, mut wanted) = (0, None);
        while text.len() < MAX_MAP {
            let mut block = [0; BLOCK];
            let rest = self.remaining.checked_sub(BLOCK as u64);
            self.remaining = rest.ok_or(sparse::BAD_MAP)?;
            if !self.block(&mut block)? {
                return Err(LayerError::Truncated);
            }
            text.extend_from_slice(&block);
            lines += block.split(|b| *b == b'\n').count() - 1;
            if lines > 0 && wanted.is_none() {
                wanted = Some(sparse::lines_in_contents(&text)?);
            }
            if wanted.is_some_and(|wanted| lines >= wanted) {
                return sparse::in_contents(&text);
            }
        }
        Err(sparse::BAD_MAP)
    }
}

/// As much as extension headers may have.
const MAX_MAP: usize = 1024 * 1024;
