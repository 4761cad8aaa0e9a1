//! Where the C library looks up names of hosts and users when it is linked into the program.
#![allow(unsafe_code)] // A call of the C library's and a value that the kernel passes.

/// Keeps a C library that is part of this program to what is in it: files and DNS.
///
/// The host's `nsswitch.conf` may name plugins, which are libraries for the host's own C library; loaded beside another
/// one they could do anything. To be called before the first name is looked up, while there is one thread.
pub fn look_up_names_alone() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            fn __nss_configure_lookup(
                table: *const libc::c_char,
                services: *const libc::c_char,
            ) -> libc::c_int;
        }
        // SAFETY: a number that the kernel passed to this program: where its dynamic linker is, if it has one.
        let linked_alone = unsafe { libc::getauxval(libc::AT_BASE) } == 0;
        if linked_alone {
            for (table, services) in [(c"hosts", c"files dns"), (c"passwd", c"files"), (c"group", c"files")] {
                // SAFETY: C strings, which are copied. It fails for want of memory only, and then what the file names
                // counts.
                unsafe { __nss_configure_lookup(table.as_ptr(), services.as_ptr()) };
            }
        }
    }
}
