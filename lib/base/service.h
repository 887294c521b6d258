/*
 * What a supervised program needs: readiness, signals, descriptors of
 * listening sockets from mailbind(8), a process title.
 */
#ifndef BASE_SERVICE_H
#define BASE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * s6 readiness: a newline on the descriptor named by NOTIFY_FD (the run
 * script sets it to 3, as does notification-fd), then close it.  Nothing
 * when unset.
 */
void	 service_ready(void);

/*
 * The listening socket that mailbind opened for the address as written in the
 * configuration, from MERPATI_LISTEN ("FD=ADDRESS,FD=ADDRESS"); -1
 * when there is none.  "unix:PATH" names a socket path.
 */
int	 service_inherited(const char *address);

/*
 * Open, bind and listen on "HOST:PORT", "[V6]:PORT" or "unix:PATH" (mode
 * 0666).  The descriptor (CLOEXEC, blocking), or -1 with errno.
 */
int	 service_bind(const char *address);

/* Needed once at start of main() for service_title(). */
void	 service_title_init(int argc, char **argv);
/* What ps shows: "PROG: text". */
void	 service_title(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

/*
 * The command line of a daemon that knows only "[-c file]": the file, or NULL.
 * -h and --help print "usage: PROG [-c file]" and exit 0; anything else
 * prints it to stderr and exits EX_USAGE.
 */
const char	*service_options(int argc, char **argv, const char *prog);

/*
 * Raise the limit of open descriptors to most, or to the hard limit when that
 * is lower; a higher one stays.  How many there may be now; a program that
 * cannot ask ends with a line in the log.
 */
unsigned int	 service_descriptors(unsigned int most);

/* Close every descriptor from first on. */
void	 service_close_from(int first);

#endif
