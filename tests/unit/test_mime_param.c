/* Parameters of Content-Type and Content-Disposition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/mail/mime_param.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static void
parameters_are_read_as_the_world_writes_them(void **state)
{
	static const struct { const char *in, *want; } t[] = {
	    { "", "/" },
	    { " text/plain", "text/plain" },
	    { "Text / Plain ; Charset=utf-8", "Text/Plain Charset=[utf-8]" },
	    { "a/b; c=\"d;\\\"e\"; f=g", "a/b c=[d;\"e] f=[g]" },
	    { "a/b; name=two words.pdf ; x=y", "a/b name=[two words.pdf] "
	      "x=[y]" },
	    { "a/b; name=two\n  words", "a/b name=[two  words]" },
	    { "a/b; charset=\"utf-8\" name=x", "a/b charset=[utf-8] "
	      "name=[x]" },
	    { "a/b; charset=utf-8 name=x", "a/b charset=[utf-8] name=[x]" },
	    { "a/b; c=d (e;f=g); h=i", "a/b c=[d] h=[i]" },
	    { "a/b; c=\"no end", "a/b c=[no end]" },
	    { "a/b;;; =x; c=d", "a/b c=[d]" },
	    { "a/b; c; d=e", "a/b d=[e]" },
	    { "a/b; c=", "a/b c=[]" },
	    { "a/b; c=; d=e", "a/b c=[] d=[e]" },
	    { "a/b; b=--=_x==", "a/b b=[--=_x==]" },
	    { "a/b (open; c=d", "a/b" },
	    { "a", "a/" },
	    { "/", "/" },
	    { "a/b; n*=utf-8''%C3%A4", "a/b n*=[utf-8''%C3%A4]" },
	    { "a/b; n*1=d; N*0=c", "a/b N=[cd]" },
	    { "a/b; n*0*=utf-8'en'%C3%A4; x=y; n*1=\"b c\"; n*2*=%20",
	      "a/b n*=[utf-8'en'%C3%A4b%20c%20] x=[y]" },
	    { "a/b; n*0=a b; n*1*=%20", "a/b n*=[''a%20b%20]" },
	    { "a/b; n*0=a; n*2=c", "a/b n=[a] n*2=[c]" },
	    { "a/b; n*1=c", "a/b n*1=[c]" },
	    { "a/b; n*x=c; *0=d; n*=", "a/b n*x=[c] *0=[d] n*=[]" },
	    { "a/b; n*0=a; n*0=b; n*1=c", "a/b n=[ac] n=[b]" },
	    { "a/b; n*99999999999=c", "a/b n*99999999999=[c]" },
	};
	struct mime_params	 p;
	struct buf		 b;
	size_t			 i, k;

	(void)state;
	mime_params_init(&p);
	buf_init(&b, 10000);
	for (i = 0; i < N(t); i++) {
		mime_params_parse(&p, slice_str(t[i].in), MIME_PARAMS_TYPE);
		buf_clear(&b);
		buf_add(&b, p.type.ptr, p.type.len);
		buf_addc(&b, '/');
		buf_add(&b, p.subtype.ptr, p.subtype.len);
		for (k = 0; k < p.n; k++)
			buf_addf(&b, " %.*s=[%.*s]", (int)p.param[k].name.len,
			    p.param[k].name.ptr, (int)p.param[k].value.len,
			    p.param[k].value.ptr);
		if (strcmp(buf_cstr(&b), t[i].want) != 0)
			print_error("%s\n", t[i].in);
		assert_string_equal(buf_cstr(&b), t[i].want);
	}
	mime_params_parse(&p, slice_str("Attachment; filename=x"),
	    MIME_PARAMS_DISPOSITION);
	assert_true(slice_eq(p.type, SLICE_LIT("Attachment")));
	assert_int_equal(p.n, 1);
	buf_free(&b);
	mime_params_free(&p);
}

static void
parameters_are_bounded(void **state)
{
	struct mime_params	 p;
	struct buf		 b;
	size_t			 i;

	(void)state;
	mime_params_init(&p);
	buf_init(&b, 2 << 20);
	buf_addstr(&b, "a/b");
	for (i = 0; i < 5000; i++)
		buf_addf(&b, "; n*%zu*=%%20\"", i);
	mime_params_parse(&p, buf_slice(&b), MIME_PARAMS_TYPE);
	assert_int_equal(p.n, 1);
	buf_clear(&b);
	buf_addstr(&b, "a/b; n*0*=");
	for (i = 0; i < 1000000; i++)
		buf_addc(&b, i % 7 == 0 ? ' ' : '\377');
	mime_params_parse(&p, buf_slice(&b), MIME_PARAMS_TYPE);
	assert_int_equal(p.n, 1);
	buf_clear(&b);
	buf_addstr(&b, "a/b; n=x");
	for (i = 0; i < 1000000; i++)
		buf_addc(&b, ' ');
	buf_addstr(&b, "y");
	mime_params_parse(&p, buf_slice(&b), MIME_PARAMS_TYPE);
	assert_int_equal(p.n, 1);
	buf_free(&b);
	mime_params_free(&p);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(parameters_are_read_as_the_world_writes_them),
		cmocka_unit_test(parameters_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
