# The proxied rows of `benches/compare/run`, which sources this file: the same upstream, an nginx on the client's core,
# behind nginx with `proxy_pass`, `sub_filter` and persistent connections, and behind `tidings proxy`.

start_upstreams() {
  free_port upstream
  head -c 10485760 /dev/urandom >"$tmp/nginx/big.bin"
  cat >"$tmp/upstream.conf" <<CONF
daemon off;
pid $tmp/upstream.pid;
error_log $tmp/upstream.err;
worker_processes 1;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  sendfile on;
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 60s;
  gzip on;
  gzip_proxied any;
  client_body_temp_path $tmp/upstream.body;
  proxy_temp_path $tmp/upstream.proxy;
  fastcgi_temp_path $tmp/upstream.fastcgi;
  uwsgi_temp_path $tmp/upstream.uwsgi;
  scgi_temp_path $tmp/upstream.scgi;
  root $tmp/nginx;
  server { listen 127.0.0.1:${nginx_ports[upstream]}; }
}
CONF
  taskset -c 1 nginx -p "$tmp" -e "$tmp/upstream.err" -c "$tmp/upstream.conf" &
  pids+=("$!")
  await curl -fso /dev/null "http://127.0.0.1:${nginx_ports[upstream]}/index.html"
  coproc SLOW { exec taskset -c 1 "$first_byte"; }
  pids+=("$SLOW_PID")
  read -r slow <&"${SLOW[0]}" || die "the slow upstream gave up"
}

# Additional servers of the measured nginx.
proxied_servers() {
  free_port proxied
  free_port slow
  free_port unkept
  cat <<CONF
  upstream site { server 127.0.0.1:${nginx_ports[upstream]}; keepalive 32; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${nginx_ports[proxied]};
    gzip on;
    location / {
      proxy_pass http://site;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host \$host;
      proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
      proxy_set_header Accept-Encoding "";
      sub_filter '</head>' '$tag</head>';
      sub_filter_once on;
    }
    location = /big.bin { proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
  server {
    listen 127.0.0.1:${nginx_ports[unkept]};
    location / {
      proxy_pass http://127.0.0.1:${nginx_ports[upstream]};
      sub_filter '</head>' '$tag</head>';
    }
  }
  server {
    listen 127.0.0.1:${nginx_ports[slow]};
    location / { proxy_pass http://$slow; sub_filter '</head>' '$tag</head>'; }
  }
CONF
}

start_proxies() {
  start_proxy site "http://127.0.0.1:${nginx_ports[upstream]}"
  proxy_pid=$started_pid proxy_url=$started_url
  start_proxy slow "http://$slow"
  slow_url=$started_url
}

start_proxy() {
  taskset -c 0 "$tidings" proxy "$2" --listen 127.0.0.1:0 --log warn >"$tmp/proxy.$1.out" 2>"$tmp/proxy.$1.err" &
  started_pid=$!
  pids+=("$started_pid")
  await grep -q '^listening on' "$tmp/proxy.$1.out"
  started_url=$(sed -n 's/^listening on //p' "$tmp/proxy.$1.out")
  await has_release "$started_url"
}

has_release() { curl -fso /dev/null "$1/__tidings/release.json"; }

proxied_rows() {
  local coded='Accept-Encoding: gzip'
  compare 'proxied page, 300 B, injected' proxied /small.html
  compare 'proxied page, 300 B, injected, gzip on both sides' proxied /small.html "$coded"
  compare 'proxied page, 300 B, asked by a browser' proxied /small.html "${browser[@]}"
  compare 'proxied page, 300 B, injected; nginx without kept connections' unkept /small.html
  compare 'proxied page, 60 KB, injected' proxied /page.html
  compare 'proxied page, 60 KB, injected, gzip on both sides' proxied /page.html "$coded"
  compare 'proxied 304 of a page' proxied /page.html @revisit
  compare 'proxied download, 10 MB' proxied /big.bin
}

# first_bytes: milliseconds that a proxy adds to the first chunk of a slow page.
first_bytes() {
  local name address answer
  [[ first_byte =~ $only ]] || return 0
  say "- first bytes"
  for name in none nginx tidings; do
    case $name in
      none) address=$slow ;;
      nginx) address=127.0.0.1:${nginx_ports[slow]} ;;
      tidings) address=${slow_url#http://} ;;
    esac
    echo "measure $address 100" >&"${SLOW[1]}"
    read -r answer <&"${SLOW[0]}" || die "the slow upstream gave up"
    echo "$name ${answer#measure }" >>"$tmp/first_bytes"
  done
  awk '{ median[$1] = $2; most[$1] = $3 }
    END {
      for (name in median) printf "| %s | %.2f ms | %.2f ms |\n", (name == "none" ? "no proxy" : name), median[name], most[name] | "sort"
      print median["tidings"] - median["none"] > "'"$tmp/added"'"
    }' "$tmp/first_bytes" >"$tmp/first_bytes.table"
}
