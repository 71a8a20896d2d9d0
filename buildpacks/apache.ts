/** The configuration of an Apache with PHP inside that serves a folder as an ordinary user, with the app's .htaccess files. */
export function apacheConfig(root: string): string {
  return `ServerRoot /etc/apache2
ServerName localhost
Listen \${PORT}
PidFile /tmp/apache2.pid
Mutex file:/tmp default
DefaultRuntimeDir /tmp
ErrorLog /dev/stderr
LogLevel warn
ServerTokens Prod
ServerSignature Off
Timeout 120
KeepAlive On
KeepAliveTimeout 75
MaxKeepAliveRequests 0
IncludeOptional mods-enabled/*.load
<IfModule !rewrite_module>
  LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
</IfModule>
<IfModule !headers_module>
  LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
</IfModule>
<IfModule mpm_prefork_module>
  StartServers 2
  MinSpareServers 1
  MaxSpareServers 4
  MaxRequestWorkers 32
</IfModule>
TypesConfig /etc/mime.types
DirectoryIndex index.php index.html
<FilesMatch "\\.php$">
  SetHandler application/x-httpd-php
</FilesMatch>
<FilesMatch "^(\\.|composer\\.(json|lock)$|Procfile$)">
  Require all denied
</FilesMatch>
DocumentRoot ${root}
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Directory ${root}>
  AllowOverride All
  Options FollowSymLinks
  Require all granted
  FallbackResource /index.php
</Directory>
<DirectoryMatch "/(vendor|\\.git)(/|$)">
  Require all denied
</DirectoryMatch>
`;
}
