//! Giving memory back to the system.

use std::ffi::c_void;

/// Makes the allocator keep little: large blocks are mapped by themselves and go back at once.
pub fn prefer_small() {
    let settings = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 32 << 10),
        (libc::M_TRIM_THRESHOLD, 32 << 10),
        (libc::M_TOP_PAD, 16 << 10),
    ];
    for (parameter, value) in settings {
        // JUSTIFICATION: no safe call sets the allocator's parameters.
        // SAFETY: no preconditions; a wrong value is refused.
        unsafe { libc::mallopt(parameter, value) };
    }
}

/// Gives back what this process need not keep: free heap pages, the stack below the caller, and the pages
/// of its own program text, which come back from the page cache when they are used.
///
/// Meant for a process that did much once and will then idle for long.
pub fn release() {
    // JUSTIFICATION: no safe call trims the heap.
    // SAFETY: no preconditions.
    unsafe { libc::malloc_trim(0) };
    release_stack();
    for (start, length) in read_only_segments() {
        // JUSTIFICATION: rustix's madvise is as unsafe.
        // SAFETY: the range is whole pages of a private file mapping that is not writable and was never
        // written, so dropping pages only means reading the same bytes from the file again.
        unsafe { libc::madvise(start as *mut c_void, length, libc::MADV_DONTNEED) };
    }
}

/// Drops the pages that deeper calls than this one once used.
#[inline(never)]
fn release_stack() {
    let here = 0_u8;
    let here = std::ptr::from_ref(std::hint::black_box(&here)) as usize;
    // JUSTIFICATION: nobody else tells where the stack of the first thread begins.
    // SAFETY: the C library sets it once, before main.
    let bottom = unsafe { __libc_stack_end } as usize;
    // Another thread's stack has other mappings below it.
    if here > bottom || bottom - here > STACK_REACH {
        return;
    }
    let page = rustix::param::page_size();
    let start = (here - STACK_REACH) & !(page - 1);
    let end = (here - STACK_MARGIN) & !(page - 1);
    // JUSTIFICATION: rustix's madvise is as unsafe.
    // SAFETY: whole pages below the stack pointer of the first thread, which runs this, with a margin for
    // the calls made here: nothing alive is there. Parts that are not mapped are passed over; nothing
    // else can be there, because the kernel keeps 128 MiB and more below that stack free.
    unsafe { libc::madvise(start as *mut c_void, end - start, libc::MADV_DONTNEED) };
}

/// Address and length of this program's mapped segments that cannot be written, in whole pages.
fn read_only_segments() -> Vec<(usize, usize)> {
    let mut segments = Vec::new();
    // JUSTIFICATION: nobody else tells where the program lies.
    // SAFETY: the callback gets `segments` back as its data pointer and runs before the call returns.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut segments).cast()) };
    segments
}

/// Adds the segments of the first object, the program itself, and stops.
///
/// Called by `dl_iterate_phdr` with a valid `info`, and with the pointer of [`read_only_segments`].
unsafe extern "C" fn collect(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    data: *mut c_void,
) -> libc::c_int {
    // JUSTIFICATION: a C callback.
    // SAFETY: libc passes a valid pointer for the duration of the call.
    let info = unsafe { &*info };
    // JUSTIFICATION: as above.
    // SAFETY: the pointer given to dl_iterate_phdr, to a Vec nobody else uses meanwhile.
    let segments = unsafe { &mut *data.cast::<Vec<(usize, usize)>>() };
    // JUSTIFICATION: as above.
    // SAFETY: the program headers stay mapped as long as the program runs.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let page = rustix::param::page_size();
    for header in headers {
        if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0 {
            let start = address(info.dlpi_addr + header.p_vaddr);
            let end = (start + address(header.p_memsz)) & !(page - 1);
            let start = (start + page - 1) & !(page - 1);
            segments.push((start, end.saturating_sub(start)));
        }
    }
    1
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "addresses of this process fit its pointers"
)]
fn address(value: u64) -> usize {
    value as usize
}

// A variable of the C library that is linked in, of this name and type.
unsafe extern "C" {
    static __libc_stack_end: *const c_void;
}

/// More than this process ever uses of its stack.
const STACK_REACH: usize = 4 << 20;
/// Room for the call of madvise itself.
const STACK_MARGIN: usize = 4 << 10;
