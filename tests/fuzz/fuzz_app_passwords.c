/* App passwords: any octets give a table, never harm. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/app_passwords.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct app_passwords		*all;
	const struct app_password	*a;
	struct buf			 err;
	size_t				 i, n, of;

	buf_init(&err, 4096);
	all = app_passwords_parse("apps", (const char *)data, size, &err);
	a = app_passwords_all(all, &n);
	for (i = 0; i < n; i++) {
		assert(app_passwords_of(all, a[i].user, &of) != NULL);
		assert(of > 0 && of <= APP_PASSWORDS_USER);
		(void)app_password_fits(a[i].hash, "x");
	}
	app_passwords_free(all);
	buf_free(&err);
	return 0;
}
