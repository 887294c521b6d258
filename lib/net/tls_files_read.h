/* Between tls_files.c and tls_files_ocsp.c. */
#ifndef NET_TLS_FILES_READ_H
#define NET_TLS_FILES_READ_H

#include <stddef.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/net/tls_files.h"

/* A regular file, whole; for tls_files_wipe().  0, or -1 with error. */
int	 tls_files_read(const char *path, size_t max, struct buf *out,
	    struct stat *, char error[TLS_FILES_TEXT]);
void	 tls_files_wipe(struct buf *);

#endif
