//! Asks the processor for memory ahead of its use. A hint: it changes no result, and where the processor has
//! no such word it does nothing.

/// The cache line in which `item` begins.
#[inline(always)]
pub(crate) fn line<T>(item: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // Measured: in deep and in many thin books most of an operation is waiting for memory.
        #[expect(
            unsafe_code,
            reason = "a prefetch never faults, whatever it is given; here it is given a reference"
        )]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = item;
}
