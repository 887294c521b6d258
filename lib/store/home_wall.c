/* Contract in home_wall.h. */
#include <errno.h>
#include <fcntl.h>

#include "lib/base/io.h"
#include "lib/base/wall.h"
#include "lib/store/home_wall.h"

int
home_wall(const char *home)
{
	const int	 flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int		 dirs[2], r;

	if (wall_level() == 0)
		return 0;
	if ((dirs[0] = open(home, flags)) == -1)
		return errno == ENOENT || errno == ENOTDIR ||
		    errno == EACCES ? 0 : -1;
	dirs[1] = openat(dirs[0], "Maildir", flags);
	r = wall_into(dirs, 2);
	io_close(dirs[1]);
	io_close(dirs[0]);
	return r;
}
